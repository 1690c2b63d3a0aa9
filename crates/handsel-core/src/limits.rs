//! Every bound of the program, named with its unit. Add here, never inline.

/// A request's body, JSON.
pub const REQUEST_BODY_MAX_BYTES: usize = 1024 * 1024;
/// Nesting of a request's JSON.
pub const JSON_DEPTH_MAX_LEVELS: usize = 32;
/// How long a request's body may take to arrive; after the first seconds it may never have been slower than the minimum.
pub const REQUEST_BODY_TIMEOUT_SECONDS: u64 = 30;
pub const REQUEST_BODY_START_SECONDS: u64 = 5;
pub const REQUEST_BODY_PACE_MIN_BYTES: u64 = 1_024;
/// A new connection's first byte, its TLS handshake, and the head of each request.
pub const CONNECTION_FIRST_BYTE_TIMEOUT_SECONDS: u64 = 10;
pub const REQUEST_HEAD_TIMEOUT_SECONDS: u64 = 10;
/// A connection on which nothing is asked, and an answer of which nothing is taken.
pub const CONNECTION_IDLE_TIMEOUT_SECONDS: u64 = 60;
pub const CONNECTION_STALL_TIMEOUT_SECONDS: u64 = 60;
/// Open connections: all of them, and those of one IPv4 address or IPv6 /64.
pub const CONNECTIONS_MAX: usize = 8_192;
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 1_024;
/// Streams of one HTTP/2 connection, and the bytes of its headers.
pub const HTTP2_STREAMS_MAX: u32 = 100;
pub const REQUEST_HEAD_MAX_BYTES: u32 = 32 * 1024;
/// What still runs when the server is asked to stop may take so long.
pub const SHUTDOWN_GRACE_SECONDS: u64 = 30;
/// `expand[]`.
pub const EXPAND_MAX_ENTRIES: usize = 20;
pub const EXPAND_MAX_LEVELS: usize = 4;
/// Rate limits (02): a bucket of so many seconds' worth, and so many times the rate within any one second.
pub const RATE_BUCKET_SECONDS: u64 = 40;
pub const RATE_PEAK_TIMES: u64 = 5;
/// Failed authentications of one address: so many at once, and so many more each second.
pub const AUTH_FAILURES_BURST_COUNT: u64 = 600;
pub const AUTH_FAILURES_PER_SECOND: u64 = 20;
/// Requests of one address for what needs no key (the hosted pages, their parts, the documents), a second.
pub const PAGE_PER_SECOND_REQUESTS: u64 = 50;
/// Accounts and addresses whose rates are remembered at once.
pub const RATE_CELLS_MAX: usize = 100_000;
/// A live status stream: how often it speaks when nothing happens, and how long it lasts.
pub const STREAM_KEEP_ALIVE_SECONDS: u64 = 15;
pub const STREAM_MAX_SECONDS: u64 = 3_600;
/// One webhook event's body.
pub const EVENT_BODY_MAX_BYTES: usize = 64 * 1024;
/// Entries of a `metadata` object.
pub const METADATA_MAX_KEYS: usize = 50;
pub const METADATA_KEY_MAX_CHARS: usize = 40;
pub const METADATA_VALUE_MAX_CHARS: usize = 500;
/// An `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_MAX_CHARS: usize = 255;
/// How long an idempotent answer is kept.
pub const IDEMPOTENCY_KEPT_DAYS: u64 = 7;
/// Objects on one page of a list.
pub const LIST_LIMIT_MAX_ROWS: u32 = 100;
pub const LIST_LIMIT_DEFAULT_ROWS: u32 = 20;
/// How long a checkout may stay open.
pub const CHECKOUT_EXPIRES_MIN_SECONDS: u64 = 60;
pub const CHECKOUT_EXPIRES_MAX_SECONDS: u64 = 2_592_000;
pub const CHECKOUT_EXPIRES_DEFAULT_SECONDS: u64 = 3600;
/// Payers' grace after `expires_at` (13 section 2), not shown.
pub const CHECKOUT_GRACE_SECONDS: u32 = 120;
pub const TOLERANCE_MAX_BPS: u32 = 1000;
/// At most so much tolerance whatever the basis points say (USD 5.00, in minor units of the price's currency).
pub const TOLERANCE_MAX_MINOR: u128 = 500;
/// An excess up to so many minor units is kept.
pub const OVER_DUST_MINOR: u128 = 1;
/// Price bound: 10^12 major units.
pub const PRICE_MAX_MAJOR: u128 = 1_000_000_000_000;
/// Tags of static mode: n x 10^-6, n from 1.
pub const TAG_MAX: u128 = 9_999;
/// How long a static tag stays leased after its checkout expired.
pub const TAG_COOLDOWN_DAYS: u64 = 7;
/// Late payments up to this age are `late`, older ones `late_cold`.
pub const LATE_WINDOW_DAYS: u64 = 90;
/// Rotation of a webhook secret.
pub const ROTATION_GRACE_MAX_SECONDS: u64 = 604_800;
pub const ROTATION_GRACE_DEFAULT_SECONDS: u64 = 86_400;
/// An API key should be rolled after so many days.
pub const API_KEY_ROTATE_DAYS: u64 = 90;
/// Scopes, networks or CIDRs that one key may carry.
pub const API_KEY_ALLOWED_IPS_MAX_ENTRIES: usize = 100;
/// Webhooks of one account.
pub const WEBHOOKS_MAX_PER_ACCOUNT: usize = 100;
/// Event patterns of one webhook.
pub const WEBHOOK_EVENTS_MAX_PATTERNS: usize = 100;
/// An outgoing webhook attempt.
pub const HOOK_CONNECT_TIMEOUT_MS: u64 = 3_000;
pub const HOOK_FIRST_BYTE_TIMEOUT_MS: u64 = 10_000;
pub const HOOK_TOTAL_TIMEOUT_MS: u64 = 15_000;
/// Of a receiver's answer so much is read …
pub const HOOK_ANSWER_READ_MAX_BYTES: usize = 64 * 1024;
/// … and so much is kept.
pub const HOOK_ANSWER_KEPT_MAX_BYTES: usize = 8 * 1024;
/// Changes in one group commit.
pub const COMMIT_GROUP_MAX_CHANGES: usize = 512;
/// Changes that may wait for the writer.
pub const COMMIT_QUEUE_MAX_CHANGES: usize = 4_096;
/// Tries of a decision that met a conflict.
pub const CONFLICT_RETRIES_MAX: u32 = 8;
/// Derivation indexes leased to memory at once.
pub const INDEX_BLOCK_SIZE: u32 = 256;
/// The request log is kept for so many days.
pub const REQUEST_LOG_KEPT_DAYS: u64 = 30;
/// Headers that the watcher remembers above the finalized one.
pub const CHAIN_WINDOW_MAX_BLOCKS: usize = 4_096;
/// A header whose time is further ahead waits.
pub const BLOCK_SKEW_MAX_SECONDS: u64 = 60;
/// A webhook URL or a redirect URL.
pub const WEB_URL_MAX_BYTES: usize = 2_048;
/// A name look-up on behalf of a webhook attempt.
pub const HOOK_DNS_TIMEOUT_MS: u64 = 3_000;
/// Addresses of one name that are judged; a name with more is refused.
pub const HOOK_ADDRESSES_MAX_PER_NAME: usize = 32;
/// Head of a receiver's answer: all of it, one value as kept, and how many are kept.
pub const HOOK_ANSWER_HEAD_MAX_BYTES: usize = 16 * 1024;
pub const HOOK_ANSWER_HEADER_KEPT_MAX_CHARS: usize = 512;
pub const HOOK_ANSWER_HEADERS_KEPT_MAX_ENTRIES: usize = 32;
/// Headers of one webhook request.
pub const HOOK_REQUEST_HEADERS_MAX_ENTRIES: usize = 32;
/// Connections kept open for reuse: to one address, in all, and for how long.
pub const POOL_MAX_PER_ADDRESS: usize = 64;
pub const POOL_MAX_CONNECTIONS: usize = 512;
pub const POOL_IDLE_MS: u64 = 30_000;
/// A call to a chain's node: connection, first byte, whole answer.
pub const RPC_CONNECT_TIMEOUT_MS: u64 = 5_000;
pub const RPC_FIRST_BYTE_TIMEOUT_MS: u64 = 20_000;
pub const RPC_TOTAL_TIMEOUT_MS: u64 = 30_000;
/// Answers of a chain's node: blocks with their logs, everything else.
pub const RPC_BLOCK_ANSWER_MAX_BYTES: usize = 64 * 1024 * 1024;
pub const RPC_ANSWER_MAX_BYTES: usize = 1024 * 1024;
/// Calls in one JSON-RPC batch (java-tron takes 100).
pub const RPC_BATCH_MAX_CALLS: usize = 100;
/// Failures in a row that open a provider's breaker, and its first and longest pause.
pub const BREAKER_OPENS_AFTER_FAILURES: u32 = 3;
pub const BREAKER_PAUSE_MS: u64 = 2_000;
pub const BREAKER_PAUSE_MAX_MS: u64 = 60_000;
/// Proven headers that are kept until their receipts are asked for.
pub const CHAIN_PROVEN_MAX_HEADERS: usize = 256;
/// Blocks whose contents are remembered until they are final, to be compared then; and how many are compared in one poll.
pub const CHAIN_AGAIN_MAX_BLOCKS: usize = 65_536;
pub const CHAIN_AGAIN_PER_POLL_MAX_BLOCKS: usize = 64;
/// A message on the WebSocket that hints at new heads; how long it may be silent before it is opened anew; the pauses between tries.
pub const HINT_MESSAGE_MAX_BYTES: usize = 1024 * 1024;
pub const HINT_SILENCE_MAX_MS: u64 = 120_000;
pub const HINT_RETRY_MS: u64 = 1_000;
pub const HINT_RETRY_MAX_MS: u64 = 60_000;
/// Questions that the watcher of one chain has open at once.
pub const CHAIN_IN_FLIGHT_MAX_REQUESTS: usize = 16;
/// Blocks that the watcher gathers ahead before it hands them on.
pub const CHAIN_LOOKAHEAD_MAX_BLOCKS: usize = 64;
/// A new checkout waits so long at most for the first check of a token, right after a start; and every token is checked again.
pub const TOKEN_CHECK_WAIT_MS: u64 = 2_000;
pub const TOKEN_CHECK_EVERY_SECONDS: u64 = 86_400;
/// A network is degraded where its nodes gave nothing usable, or contradicted each other, for so long …
pub const NETWORK_SILENT_AFTER_SECONDS: u64 = 120;
pub const NETWORK_DISAGREED_AFTER_SECONDS: u64 = 30;
/// … for so long after one of them was banned …
pub const NETWORK_BAN_TOLD_SECONDS: u64 = 300;
/// … and where finality is so many times further behind the tip than it ever is (on Ethereum; other chains need fewer blocks).
pub const FINALITY_NORMAL_MAX_BLOCKS: u64 = 96;
pub const FINALITY_STALLED_TIMES: u64 = 3;
/// Accounts that are told of it in one Change.
pub const NETWORK_TOLD_AT_ONCE_ROWS: u32 = 100;
/// An operator who lets a network go on waits so long for its watcher.
pub const NETWORK_RESUME_WAIT_SECONDS: u64 = 120;
/// Where a chain that was never watched begins, below its head, if its node knows no finalized block.
pub const CHAIN_START_DEPTH_BLOCKS: u64 = 64;
/// Spans between the tries of a webhook delivery: about three days in all, then it has failed.
pub const HOOK_RETRY_SCHEDULE_SECONDS: [u64; 13] =
    [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 43_200, 43_200, 64_800];
/// A webhook's own schedule: how many spans, and the longest.
pub const HOOK_RETRIES_MAX_ENTRIES: usize = 32;
pub const HOOK_RETRY_MAX_SECONDS: u64 = 86_400;
/// A receiver's `Retry-After` is honoured up to a day.
pub const HOOK_RETRY_AFTER_MAX_SECONDS: u64 = 86_400;
/// A webhook of which nothing succeeded for so long is `failing`.
pub const WEBHOOK_FAILING_AFTER_SECONDS: u64 = 86_400;
/// Signing secrets of one webhook, those in grace included.
pub const WEBHOOK_SECRETS_MAX_ENTRIES: usize = 4;
/// Request lines that wait in memory for their commit.
pub const REQUEST_NOTES_MAX_ROWS: usize = 8_192;
/// Audit leaves of refused requests without an account: so many at once, and so many more each minute; the rest is counted in one.
pub const REFUSED_NOTES_BURST_ROWS: u32 = 256;
pub const REFUSED_NOTES_PER_MINUTE_ROWS: u32 = 120;
/// Webhook attempts at the same time: in all and to one webhook.
pub const HOOKS_IN_FLIGHT_MAX_ATTEMPTS: usize = 64;
pub const HOOKS_IN_FLIGHT_PER_WEBHOOK_MAX_ATTEMPTS: usize = 8;
/// Claimed deliveries of one webhook that wait in memory for a free place; more stay with the store until their lease ends.
pub const HOOKS_WAITING_PER_WEBHOOK_MAX_DELIVERIES: usize = 1_024;
/// Deliveries claimed at once, and for how long.
pub const HOOK_CLAIM_MAX_DELIVERIES: u32 = 256;
pub const HOOK_LEASE_SECONDS: u64 = 60;
/// Deliveries that one `recover` or `replay_missing` puts back to work.
pub const RECOVER_MAX_DELIVERIES: u32 = 10_000;
/// A checkout waits at most so long after its end for the chains to pass it.
pub const EXPIRY_WAIT_MAX_SECONDS: u64 = 3_600;
/// Checkouts looked at in one sweep for expired ones.
pub const EXPIRY_SWEEP_MAX_CHECKOUTS: u32 = 1_000;
/// A source's number: its text, the significant digits that count, and the powers of ten beside them.
pub const RATE_TEXT_MAX_BYTES: usize = 64;
pub const RATE_DIGITS_MAX_COUNT: usize = 18;
pub const RATE_EXPONENT_MAX: u8 = 36;
/// A rate is agreed by so many sources …
pub const RATE_SOURCES_MIN_COUNT: usize = 3;
/// … each of which spoke within so many seconds …
pub const RATE_STALE_AFTER_SECONDS: u64 = 60;
/// … and most of which are so near to the median.
pub const RATE_DEVIATION_MAX_BPS: u128 = 200;
/// Without agreement the last good rate serves for so long.
pub const RATE_LAST_GOOD_MAX_SECONDS: u64 = 900;
/// Agreed rates of one pair that are remembered, for payments that come late.
pub const RATE_HISTORY_MAX_ENTRIES: usize = 256;
/// A locked amount of an asset that is not worth the price's currency 1:1.
pub const RATE_LOCK_SECONDS: u64 = 900;
/// A coin that should be worth 1:1 is off its peg beyond this, for so long …
pub const PEG_OFF_BPS: u128 = 100;
pub const PEG_OFF_AFTER_SECONDS: u64 = 300;
/// … and beyond this it is taken off open pages too.
pub const PEG_BROKEN_BPS: u128 = 500;
/// Locks of one payment option that are remembered: a day of them.
pub const LOCKS_PER_OPTION_MAX_ENTRIES: usize = 96;
/// A rate source: its answer, how deep a pointer goes into it, how long it may take, and how often it is asked.
pub const RATE_ANSWER_MAX_BYTES: usize = 1024 * 1024;
pub const RATE_POINTER_MAX_LEVELS: usize = 16;
pub const RATE_CONNECT_TIMEOUT_MS: u64 = 3_000;
pub const RATE_TOTAL_TIMEOUT_MS: u64 = 8_000;
pub const RATE_REFRESH_SECONDS: u64 = 20;
/// Several nodes of one chain: how long all of them may take, how long the last ones are waited for once a quorum has answered,
/// how far below their heads they are asked for what they agree on, and how much is held against one of them.
pub const QUORUM_WAIT_MS: u64 = 8_000;
pub const QUORUM_STRAGGLERS_WAIT_MS: u64 = 150;
pub const QUORUM_DESCENT_MAX_BLOCKS: u64 = 8;
pub const QUORUM_PENALTY_MAX_POINTS: u32 = 64;
pub const QUORUM_NOTICES_MAX_ENTRIES: usize = 256;
