//! Every bound of the simulated world, with its unit. They concern nothing but the sandbox, which no live server
//! carries traffic for, so they stay in this room.

/// Blocks that stay queryable at the least; between this and twice this many are in memory.
pub const KEPT_BLOCKS: usize = 10_240;
/// Blocks that one call may mine.
pub const MINE_BLOCKS: u64 = 10_000;
/// Blocks that one reorganisation may replace.
pub const REORG_BLOCKS: u64 = 1_024;
/// Transaction hashes that one reorganisation may drop.
pub const REORG_DROPPED_TRANSACTIONS: usize = 10_000;
/// Transactions that may wait in the mempool, held ones included.
pub const POOL_TRANSACTIONS: usize = 10_000;
/// Token transfers inside one transaction.
pub const TRANSACTION_TRANSFERS: usize = 500;
/// One record of the chain's journal.
pub const JOURNAL_FRAME_BYTES: usize = 16 * 1024 * 1024;
/// The journal is rewritten when it has grown to this size and to twice its size after the last rewriting.
pub const JOURNAL_REWRITE_BYTES: u64 = 32 * 1024 * 1024;

/// Body of one JSON-RPC request.
pub const RPC_BODY_BYTES: usize = 1024 * 1024;
/// Calls in one JSON-RPC batch.
pub const RPC_BATCH_CALLS: usize = 1_000;
/// Blocks that one `eth_getLogs` range may span.
pub const RPC_LOG_RANGE_BLOCKS: u64 = 10_000;
/// Logs that one `eth_getLogs` may answer.
pub const RPC_LOG_RESULTS: usize = 10_000;
/// Addresses, or alternatives of one topic, in a log filter.
pub const RPC_FILTER_ITEMS: usize = 1_000;

/// Calls in one JSON-RPC batch of the Tron node, and blocks that one range of logs may span there, as java-tron has it.
pub const TRON_BATCH_CALLS: usize = 100;
pub const TRON_LOG_RANGE_BLOCKS: u64 = 5_000;

/// Connections that one loopback listener serves at a time.
pub const LISTENER_CONNECTIONS: usize = 256;
/// A client that has not sent its request head by then is cut off.
pub const HEADER_TIMEOUT_SECONDS: u64 = 10;
/// A client that has not sent its body by then is cut off.
pub const BODY_TIMEOUT_SECONDS: u64 = 15;

/// How long one fault may last.
pub const FAULT_SECONDS: u64 = 24 * 60 * 60;
/// The delay of each answer while the `slow` fault is on.
pub const SLOW_ANSWER_MILLISECONDS: u64 = 3_000;

/// The furthest the clock may be moved in one call.
pub const CLOCK_ADVANCE_SECONDS: u64 = 10 * 366 * 24 * 60 * 60;
/// The furthest the clock may stand: the end of the year 2199.
pub const CLOCK_LATEST_UNIX_SECONDS: u64 = 7_258_118_399;

/// Webhook receivers at a time; the oldest makes room.
pub const RECEIVERS_MAX_COUNT: usize = 100;
/// Requests kept for one receiver; the oldest makes room.
pub const RECEIVER_REQUESTS: usize = 1_000;
/// The part of one received body that is kept.
pub const RECEIVER_BODY_BYTES: usize = 64 * 1024;
/// The part of one received request's headers that is kept.
pub const RECEIVER_HEADER_BYTES: usize = 16 * 1024;
/// A longer body is refused with 413.
pub const RECEIVER_REQUEST_BYTES: usize = 1024 * 1024;
/// All kept requests of all receivers together; the oldest make room.
pub const RECEIVER_MEMORY_BYTES: usize = 16 * 1024 * 1024;
/// The longest delay of a receiver's answer.
pub const RECEIVER_DELAY_MILLISECONDS: u64 = 120_000;
/// Statuses in one receiver's list.
pub const RECEIVER_STATUSES: usize = 1_000;
