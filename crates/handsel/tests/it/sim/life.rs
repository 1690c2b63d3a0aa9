//! The program's lives: each begins on what the last one left in its directory, and ends by a crash, by an operator who starts a broken
//! one again, or when the script is through and everything was checked. A crash takes the runtime with all its tasks.

use super::hooks::AnyHost;
use super::script;
use super::shop::new_checkout;
use super::template::{ask, settings, template};
use super::world::World;
use super::{check, settle};
use handsel_core::checkout::Matching;
use handsel_core::port::{Clock, Entropy, HookSender};
use handsel_core::secret::SecretText;
use handsel_engine::{Ask, Code, Doors, Engine, Parts};
use handsel_store::Store;
use handsel_store::gate::Gate;
use handsel_store::reader::Reader;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Longer than any checkout's life: what is asked for before the loops begin waits for nobody.
const WARM_UP_SECONDS: u64 = 86_400;
/// Lives of one seed, at most.
const LIVES_MAX: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Crashed,
    /// The store is broken, so the process was started again.
    Restarted,
    Done,
}

/// One process.
#[derive(Debug, Clone)]
pub(crate) struct House {
    pub(crate) engine: Engine,
    pub(crate) reader: Reader,
}

/// Plays a seed from its beginning to its end; gives its trace, or what is wrong.
pub(crate) fn play(seed: u64) -> Result<String, Vec<String>> {
    let world = World::new(seed);
    template().copy_to(world.directory.path());
    for _ in 0..LIVES_MAX {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let end = runtime.block_on(live(&world));
        drop(runtime);
        world.trace.add(&format!("{end:?}"));
        world.shop.lock().unwrap().hang_up();
        let problems = world.gate.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        if end == End::Done {
            return Ok(world.trace.digest());
        }
    }
    Err(vec![format!("not through after {LIVES_MAX} lives")])
}

async fn live(world: &Arc<World>) -> End {
    world.clock.begin();
    world.gate.reborn();
    let house = House::boot(world).await;
    house.warm_up(world).await;
    let (stop, stopped) = watch::channel(false);
    let doors = Doors {
        networks: world.nets.iter().map(|net| (net.network(), net.source())).collect(),
        rates: Vec::new(),
        sender: Arc::clone(&world.hooks) as Arc<dyn HookSender>,
    };
    let loops = tokio::spawn(house.engine.clone().run(doors, stopped));
    house.first_look(world).await;
    world.gate.pauses(world.swarm.pause_max_ms);
    let through = async {
        if script::play(world, &house).await == End::Restarted || world.gate.is_broken() {
            return End::Restarted;
        }
        if let Err(problem) = settle::settle_down(world, &house).await {
            world.complain(problem);
            return End::Done;
        }
        check::check(world, &house).await;
        End::Done
    };
    let end = tokio::select! {
        biased;
        () = world.gate.ended() => End::Crashed,
        end = through => end,
    };
    if loops.is_finished() {
        world.complain("the loops ended by themselves".to_owned());
    }
    drop(stop);
    world.clock.end();
    end
}

impl House {
    async fn boot(world: &World) -> Self {
        let gate = Arc::clone(&world.gate) as Arc<dyn Gate>;
        let store = Store::open_inline(world.directory.path(), gate).await.unwrap();
        let engine = Engine::new(Parts {
            settings: settings(),
            reader: store.reader.clone(),
            writer: store.writer,
            clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
            entropy: Arc::clone(&world.entropy) as Arc<dyn Entropy>,
            judge: Arc::new(AnyHost),
            world: None,
        });
        Self { engine, reader: store.reader }
    }

    pub(crate) fn ask(&self, route: &'static str) -> Ask {
        ask(&template().caller, route)
    }

    /// A first checkout, while nothing else runs: addresses are derived ahead on a thread, whose pace must not show.
    async fn warm_up(&self, world: &World) {
        if world.swarm.of_ten_static < 10 {
            let wish = world.shop.lock().unwrap().wish(new_checkout(10_00, &[], Matching::Xpub, WARM_UP_SECONDS));
            self.client(world, wish).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Each chain has been seen once before anything happens: whatever came before is not the program's to know.
    async fn first_look(&self, world: &World) {
        for _ in 0..200 {
            let mut seen = true;
            for net in &world.nets {
                seen &= self.reader.cursor(net.name).await.unwrap().is_some();
            }
            if seen {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        world.complain("a chain is not followed although all is well".to_owned());
    }

    /// A client that wants one checkout, and asks again when it hears nothing.
    pub(crate) async fn client(&self, world: &World, at: usize) {
        let wish = {
            let wish = &mut world.shop.lock().unwrap().wishes[at];
            wish.asking = true;
            wish.clone()
        };
        let ask = Ask {
            idempotency_key: Some(SecretText::new(wish.key.clone())),
            fingerprint: [u8::try_from(wish.number % 251).unwrap(); 32],
            ..self.ask("POST /v1/checkouts")
        };
        for _ in 0..3 {
            match self.engine.create_checkout(&ask, wish.new.clone()).await {
                Ok(answer) => {
                    let body = serde_json::from_slice(&answer.body).unwrap();
                    if let Err(problem) = world.shop.lock().unwrap().answered(at, &body) {
                        world.complain(problem);
                    }
                    break;
                }
                Err(refusal) => {
                    let passing = [
                        Code::StorageFull,
                        Code::DependencyUnavailable,
                        Code::Overloaded,
                        Code::IdempotencyInProgress,
                        Code::NoPaymentOption,
                    ];
                    if !passing.contains(&refusal.code) {
                        world.complain(format!("{} was refused: {}", wish.key, refusal.detail));
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
        world.shop.lock().unwrap().wishes[at].asking = false;
    }
}

/// Asks for a checkout beside everything else that goes on.
pub(crate) fn spawn_client(world: &Arc<World>, house: &House, at: usize) {
    world.shop.lock().unwrap().wishes[at].asking = true;
    let (world, house) = (Arc::clone(world), house.clone());
    tokio::spawn(async move { house.client(&world, at).await });
}
