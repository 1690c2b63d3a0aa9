//! Several nodes of one chain as one source that no minority of them can deceive (03 b.3).
//!
//! What a block holds proves itself against its header, so only two things need a vote: which header stands at a height, and what is
//! final. A node that is behind holds nobody back as long as a quorum is ahead of it; nodes that disagree are asked for what they
//! still agree on, a few blocks below. Without a quorum there is no answer, and the watcher waits: believing less is always safe.
//!
//! Whoever contradicts finality, or is of another chain, is not asked again before a restart.

mod standing;
mod tally;
#[cfg(test)]
mod tests;

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use futures_util::future::{join_all, select_all};
use futures_util::stream::FuturesUnordered;
use handsel_core::chain::proof::Disproof;
use handsel_core::chain::{Address, Ban, BlockHash, ChainError, HeadTag, Header, SourceNotice, Transfer};
use handsel_core::limits::{
    QUORUM_DESCENT_MAX_BLOCKS, QUORUM_NOTICES_MAX_ENTRIES, QUORUM_STRAGGLERS_WAIT_MS, QUORUM_WAIT_MS,
};
use handsel_core::port::{BoxFuture, ChainSource};
use tokio::time::Instant;

use standing::Standing;
use tally::{Settled, winner};

/// One of the nodes.
#[derive(Debug)]
struct Member {
    /// As the operator knows it: host and port, never the whole URL.
    label: String,
    source: Arc<dyn ChainSource>,
    standing: Mutex<Standing>,
}

impl Member {
    fn standing(&self) -> MutexGuard<'_, Standing> {
        // No code panics while it holds the lock; if one did, the standing would still be a valid one.
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one member said.
struct Said<'a, T> {
    member: &'a Member,
    answer: Result<T, ChainError>,
}

/// The nodes of one chain.
#[derive(Debug)]
pub struct QuorumSource {
    members: Vec<Member>,
    quorum: usize,
    /// Blocks prove what they hold (receipts root). Otherwise two equal answers are asked for.
    proven: bool,
    notices: Mutex<Vec<SourceNotice>>,
}

/// A quorum that can't be: nobody to ask, or more agreement than there are nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSuchQuorum;

/// More than half.
#[must_use]
pub const fn majority(nodes: usize) -> usize {
    nodes / 2 + 1
}

impl QuorumSource {
    /// Nodes by name; `quorum` of them must agree, `proven` says whether blocks prove their own contents.
    ///
    /// # Errors
    /// Where `quorum` is 0 or more than there are nodes.
    pub fn new(nodes: Vec<(String, Arc<dyn ChainSource>)>, quorum: usize, proven: bool) -> Result<Self, NoSuchQuorum> {
        if quorum == 0 || quorum > nodes.len() {
            return Err(NoSuchQuorum);
        }
        let member = |(label, source)| Member { label, source, standing: Mutex::default() };
        let members = nodes.into_iter().map(member).collect();
        Ok(Self { members, quorum, proven, notices: Mutex::default() })
    }

    /// Members in the order in which they are trusted with a question that one of them can answer.
    fn ranked(&self) -> Vec<&Member> {
        let mut ranked: Vec<_> =
            self.members.iter().filter(|m| !m.standing().is_banned()).map(|m| (m.standing().rank(), m)).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, member)| member).collect()
    }

    /// Asks all of them at once, until `settled` says that what was said is enough.
    async fn gather<'a, T>(
        &'a self,
        ask: impl Fn(&'a dyn ChainSource) -> BoxFuture<'a, Result<T, ChainError>>,
        settled: impl Fn(&[Said<'a, T>]) -> Settled,
    ) -> Vec<Said<'a, T>> {
        let question = |member: &'a Member| {
            let answer = ask(member.source.as_ref());
            async move { one(member, answer).await }
        };
        let mut open: FuturesUnordered<_> = self.ranked().into_iter().map(question).collect();
        let mut said = Vec::with_capacity(open.len());
        let mut end = Instant::now() + Duration::from_millis(QUORUM_WAIT_MS);
        while let Ok(Some(answer)) = tokio::time::timeout_at(end, open.next()).await {
            said.push(answer);
            match settled(&said) {
                Settled::Yes => break,
                Settled::ButForStragglers => {
                    end = end.min(Instant::now() + Duration::from_millis(QUORUM_STRAGGLERS_WAIT_MS));
                }
                Settled::No => {}
            }
        }
        said
    }

    /// The header of a height on which a quorum agrees; `None` where a quorum doesn't know that height.
    async fn agreed_at(&self, number: u64) -> Result<Option<Header>, ChainError> {
        let vote = |said: &[Said<'_, Option<Header>>]| winner(answers(said).map(|h| h.map(|h| h.hash)), self.quorum);
        let said = self.gather(|source| source.header_at(number), |said| Settled::yes_if(vote(said).is_some())).await;
        match vote(&said) {
            Some(Some(hash)) => Ok(answers(&said).flatten().find(|header| header.hash == hash)),
            Some(None) => Ok(None),
            None => Err(self.no_quorum(&said)),
        }
    }

    /// What the members say of a tag, and their headers, highest first.
    async fn tagged(&self, tag: HeadTag) -> (Vec<Said<'_, Option<Header>>>, Vec<(&Member, Header)>) {
        let enough = |said: &[Said<'_, Option<Header>>]| match said.iter().filter(|s| s.answer.is_ok()).count() {
            answers if answers >= self.members.len() => Settled::Yes,
            answers if answers >= self.quorum => Settled::ButForStragglers,
            _ => Settled::No,
        };
        let said = self.gather(|source| source.head(tag), enough).await;
        let header = |s: &Said<'_, Option<Header>>| s.answer.as_ref().ok().copied().flatten();
        let mut headers: Vec<_> = said.iter().filter_map(|s| Some((s.member, header(s)?))).collect();
        headers.sort_by_key(|(_, header)| core::cmp::Reverse(header.number));
        (said, headers)
    }

    /// The highest block on which a quorum agrees.
    async fn agreed_head(&self) -> Result<Option<Header>, ChainError> {
        let (said, heads) = self.tagged(HeadTag::Latest).await;
        let Some((_, lowest)) = heads.get(self.quorum - 1) else { return Err(self.no_quorum(&said)) };
        let mut agreed = self.agreed_below(&heads, lowest.number).await;
        if agreed.is_none() {
            // Heads that were made up may lie far above the true ones.
            agreed = self.agreed_among(&heads).await.1;
        }
        agreed.map(Some).ok_or(ChainError::Disagreed)
    }

    /// From `height` down to the first block on which a quorum agrees: a fork between nodes near the tip is nothing unusual. Whoever's
    /// head is reached on the way down has a say from there on.
    async fn agreed_below(&self, heads: &[(&Member, Header)], height: u64) -> Option<Header> {
        let mut level: Vec<(&Member, Header)> = Vec::new();
        let lowest = height.saturating_sub(QUORUM_DESCENT_MAX_BLOCKS);
        for number in (lowest..=height).rev() {
            let lower = level.iter().map(|(member, header)| async move {
                let parent = one(member, member.source.header(header.parent)).await.answer.ok().flatten()?;
                Some((*member, parent))
            });
            let mut here = join_all(lower).await.into_iter().flatten().collect::<Vec<_>>();
            let joins = |head: &Header| head.number == number || (number == height && head.number > number);
            here.extend(at_height(heads.iter().filter(|(_, head)| joins(head)), number).await);
            let agreed = self.agreed_of(&here);
            if agreed.is_some() {
                return agreed;
            }
            level = here;
        }
        None
    }

    /// The highest of these headers' heights at which a quorum of those who are that high agrees, with all that was claimed there.
    async fn agreed_among<'a>(
        &self,
        headers: &'a [(&'a Member, Header)],
    ) -> (Vec<(&'a Member, Header)>, Option<Header>) {
        let mut heights: Vec<u64> = headers.iter().skip(self.quorum - 1).map(|(_, header)| header.number).collect();
        heights.dedup();
        for height in heights {
            let high = headers.iter().filter(|(_, header)| header.number >= height);
            let claims = at_height(high, height).await;
            let agreed = self.agreed_of(&claims);
            if agreed.is_some() {
                return (claims, agreed);
            }
        }
        (Vec::new(), None)
    }

    fn agreed_of(&self, claims: &[(&Member, Header)]) -> Option<Header> {
        let hash = winner(claims.iter().map(|(_, header)| header.hash), self.quorum)?;
        claims.iter().map(|(_, header)| *header).find(|header| header.hash == hash)
    }

    /// The highest block that a quorum holds as final, all of them the same one. Two nodes that hold different blocks of one height
    /// as final can't both be right: those outside the quorum are not asked again.
    async fn agreed_finalized(&self) -> Result<Option<Header>, ChainError> {
        let (_, finals) = self.tagged(HeadTag::Finalized).await;
        let (claims, agreed) = self.agreed_among(&finals).await;
        let contradicts = |header: &Header| agreed.is_some_and(|agreed| agreed.hash != header.hash);
        for (member, _) in claims.iter().filter(|(_, header)| contradicts(header)) {
            self.ban(member, Ban::Equivocated);
        }
        Ok(agreed)
    }

    /// Asks one after the other until one has it. An answer that proves itself needs no second one.
    async fn first<'a, T>(
        &'a self,
        ask: impl Fn(&'a dyn ChainSource) -> BoxFuture<'a, Result<T, ChainError>>,
        usable: impl Fn(&T) -> bool,
    ) -> Result<T, ChainError> {
        let mut last = Err(ChainError::Unavailable("every node contradicted the others"));
        for member in self.ranked() {
            let said = one(member, ask(member.source.as_ref())).await;
            match said.answer {
                Ok(answer) if usable(&answer) => return Ok(answer),
                Err(ChainError::Disproved(what)) => {
                    self.disproved(member, what);
                    last = Err(ChainError::Disproved(what));
                }
                // That a node was caught weighs more than that another one is silent.
                other if !matches!(last, Err(ChainError::Disproved(_))) => last = other,
                _ => {}
            }
        }
        last
    }

    /// Two equal answers (one, where there is one node only): for chains whose blocks prove nothing.
    async fn twice<'a, T: PartialEq>(
        &'a self,
        ask: impl Fn(&'a dyn ChainSource) -> BoxFuture<'a, Result<T, ChainError>>,
    ) -> Result<T, ChainError> {
        let needed = self.members.len().min(2);
        let mut heard: Vec<(T, usize)> = Vec::new();
        let mut last = ChainError::Unavailable("every node contradicted the others");
        for member in self.ranked() {
            let answer = match one(member, ask(member.source.as_ref())).await.answer {
                Ok(answer) => answer,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            let known = heard.iter().position(|(known, _)| *known == answer);
            match known.and_then(|at| heard.get_mut(at)) {
                Some((_, count)) => *count += 1,
                None => heard.push((answer, 1)),
            }
            if let Some(at) = heard.iter().position(|(_, count)| *count >= needed) {
                return Ok(heard.swap_remove(at).0);
            }
        }
        Err(if heard.len() > 1 { ChainError::Disagreed } else { last })
    }

    /// Why too few agree: nobody answers, or they contradict each other.
    fn no_quorum<T>(&self, said: &[Said<'_, T>]) -> ChainError {
        let answered = said.iter().filter(|s| s.answer.is_ok()).count();
        if answered >= self.quorum {
            return ChainError::Disagreed;
        }
        let error = said.iter().find_map(|s| s.answer.as_ref().err().cloned());
        match error {
            Some(error) if self.members.len() == 1 => error,
            _ => ChainError::Unavailable("fewer nodes answer than must agree"),
        }
    }

    fn disproved(&self, member: &Member, what: Disproof) {
        tracing::error!(node = member.label, %what, "a node's block does not hold what the node says");
        self.notice(SourceNotice::Disproved { node: member.label.clone(), what });
    }

    /// A node that stands alone is left as it is: there is nobody else to ask, and nothing of it is believed without proof.
    fn ban(&self, member: &Member, ban: Ban) {
        if self.members.len() > 1 && member.standing().ban() {
            tracing::error!(node = member.label, ?ban, "a node is not asked again before a restart");
            self.notice(SourceNotice::Banned { node: member.label.clone(), ban });
        }
    }

    fn notice(&self, notice: SourceNotice) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.len() < QUORUM_NOTICES_MAX_ENTRIES {
            notices.push(notice);
        }
    }

    async fn stated_chain_id(&self) -> Result<u64, ChainError> {
        let enough = |said: &[Said<'_, u64>]| Settled::yes_if(said.len() == self.members.len());
        let said = self.gather(ChainSource::chain_id, enough).await;
        let agreed = winner(answers(&said), self.quorum);
        let Some(agreed) = agreed else { return Err(self.no_quorum(&said)) };
        for other in said.iter().filter(|s| s.answer.as_ref().is_ok_and(|id| *id != agreed)) {
            self.ban(other.member, Ban::OtherChain);
        }
        Ok(agreed)
    }
}

/// What was answered, errors left out.
fn answers<T: Copy>(said: &[Said<'_, T>]) -> impl Iterator<Item = T> {
    said.iter().filter_map(|said| said.answer.as_ref().ok().copied())
}

/// The headers of one height, of members whose own headers are that high at least.
async fn at_height<'a>(
    members: impl Iterator<Item = &'a (&'a Member, Header)>,
    number: u64,
) -> Vec<(&'a Member, Header)> {
    let headers = members.map(|(member, head)| async move {
        if head.number == number {
            return Some((*member, *head));
        }
        let header = one(member, member.source.header_at(number)).await.answer.ok().flatten()?;
        Some((*member, header))
    });
    join_all(headers).await.into_iter().flatten().collect()
}

/// One question to one node; how it went counts.
async fn one<'a, T>(member: &'a Member, answer: BoxFuture<'a, Result<T, ChainError>>) -> Said<'a, T> {
    let begun = Instant::now();
    let answer = answer.await;
    let mut standing = member.standing();
    match &answer {
        Ok(_) | Err(ChainError::UnknownBlock) => standing.answered(begun.elapsed()),
        Err(ChainError::Disproved(_)) => standing.caught(),
        Err(_) => standing.failed(),
    }
    drop(standing);
    Said { member, answer }
}

impl ChainSource for QuorumSource {
    fn chain_id(&self) -> BoxFuture<'_, Result<u64, ChainError>> {
        Box::pin(self.stated_chain_id())
    }

    fn head(&self, tag: HeadTag) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        match tag {
            HeadTag::Latest => Box::pin(self.agreed_head()),
            HeadTag::Finalized => Box::pin(self.agreed_finalized()),
        }
    }

    fn header_at(&self, number: u64) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        Box::pin(self.agreed_at(number))
    }

    fn header(&self, hash: BlockHash) -> BoxFuture<'_, Result<Option<Header>, ChainError>> {
        if self.proven {
            return Box::pin(self.first(move |source| source.header(hash), Option::is_some));
        }
        Box::pin(self.twice(move |source| source.header(hash)))
    }

    fn transfers(&self, block: BlockHash) -> BoxFuture<'_, Result<Vec<Transfer>, ChainError>> {
        if self.proven {
            return Box::pin(self.first(move |source| source.transfers(block), |_| true));
        }
        Box::pin(self.twice(move |source| source.transfers(block)))
    }

    fn token_decimals(&self, token: Address) -> BoxFuture<'_, Result<Option<u8>, ChainError>> {
        Box::pin(async move {
            let vote = |said: &[Said<'_, Option<u8>>]| winner(answers(said), self.quorum);
            let enough = |said: &[Said<'_, Option<u8>>]| Settled::yes_if(vote(said).is_some());
            let said = self.gather(move |source| source.token_decimals(token), enough).await;
            vote(&said).ok_or_else(|| self.no_quorum(&said))
        })
    }

    fn wait_for_hint(&self, limit: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let hints = self.members.iter().map(|member| member.source.wait_for_hint(limit));
            select_all(hints).await;
        })
    }

    fn notices(&self) -> Vec<SourceNotice> {
        core::mem::take(&mut self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
