//! One sequence: a store and the model side by side, step after step.

use std::path::Path;
use std::sync::Arc;

use quipu::disk::memory::MemoryDisk;
use quipu::disk::{Disk, Open};
use quipu::metrics::Metrics;
use quipu::store::Store;
use tokio::runtime::Runtime;

use crate::chance::Chance;
use crate::checked::Checked;
use crate::follow::Follower;
use crate::guards::Asked;
use crate::offers::Tried;
use crate::plain::Plain;
use crate::queries::alphabet;
use crate::setting::{Setting, Time};
use crate::wanted::Alphabet;

/// Where the store lies.
const HOME: &str = "/data";

/// How many steps a sequence has.
const STEPS: u64 = 100;

/// How many of the last steps are told when a sequence fails.
const STEPS_TOLD: usize = 25;

/// A rule that the model can be made to have wrong, to prove that a store that has it wrong is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// None.
    Nothing,
    /// The window has one event more.
    Window,
    /// One snapshot more is kept.
    Kept,
    /// Time may step back.
    Time,
    /// The last byte of an event may change.
    Bytes,
    /// The first guard of a transaction need not hold.
    Guard,
    /// A guard looks at one event more.
    After,
    /// An event needs one of the tags that are asked for, not all.
    Tags,
    /// Deleted streams are still seen.
    Deleted,
}

/// A sequence.
pub(crate) struct Run {
    pub(crate) chance: Chance,
    pub(crate) runtime: Runtime,
    pub(crate) store: Arc<Store>,
    pub(crate) plain: Plain,
    pub(crate) time: Arc<Time>,
    /// All appends so far, those that were refused too.
    pub(crate) tried: Vec<Tried>,
    /// All transactions so far, appends among them.
    pub(crate) asked: Vec<Asked>,
    pub(crate) alphabet: Alphabet,
    pub(crate) followers: Vec<Follower>,
    disk: MemoryDisk,
    metrics: Arc<Metrics>,
    setting: Setting,
    trace: Vec<String>,
}

/// Runs the sequence of a seed. What differs from the model is told, with the steps that led there.
pub(crate) fn sequence(seed: u64, mask: u64, wrong: Wrong) -> Checked {
    let mut chance = Chance::of(seed);
    let setting = Setting::draw(&mut chance, mask);
    let mut run = Run::start(chance, setting, wrong);
    let done = run.steps();
    run.store.close();
    done.map_err(|fault| {
        let skipped = run.trace.len().saturating_sub(STEPS_TOLD);
        let trace = run.trace[skipped..].join("\n  ");
        format!("seed {seed}, mask {mask:#x}, {:?}\n  {trace}\n{fault}", run.setting)
    })
}

fn open(disk: &MemoryDisk, setting: &Setting, time: &Arc<Time>, metrics: &Arc<Metrics>) -> Result<Arc<Store>, String> {
    let options = setting.options(time);
    Store::open(Arc::new(disk.clone()), Path::new(HOME), &options, metrics.clone())
        .map_err(|error| format!("the store did not open: {error:?}"))
}

impl Run {
    fn start(chance: Chance, setting: Setting, wrong: Wrong) -> Self {
        let (disk, time) = (MemoryDisk::default(), Arc::<Time>::default());
        let metrics = Arc::new(Metrics::new().expect("metrics"));
        let mut run = Self {
            chance,
            runtime: tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime"),
            store: open(&disk, &setting, &time, &metrics).expect("an empty disk"),
            plain: Plain::new(wrong),
            time,
            tried: Vec::new(),
            asked: Vec::new(),
            alphabet: alphabet(),
            followers: Vec::new(),
            disk,
            metrics,
            setting,
            trace: Vec::new(),
        };
        run.agree_on_limits();
        run
    }

    fn agree_on_limits(&mut self) {
        self.plain.window = self.setting.window + usize::from(self.plain.wrong == Wrong::Window);
        self.plain.marks_most = self.setting.marks;
        self.plain.kept = self.setting.kept + usize::from(self.plain.wrong == Wrong::Kept);
    }

    /// Notes a step for the trace.
    pub(crate) fn note(&mut self, step: String) {
        self.trace.push(step);
    }

    fn steps(&mut self) -> Checked {
        for _ in 0..STEPS {
            self.step()?;
        }
        self.read_everything()?;
        self.read_on(true)?;
        self.reopen()?;
        self.read_everything()?;
        self.read_on(true)
    }

    fn step(&mut self) -> Checked {
        self.time.pass(&mut self.chance);
        match self.chance.below(50) {
            0..12 => self.append()?,
            12..17 => self.transact()?,
            17..19 => self.burst()?,
            19..22 => self.live()?,
            22..24 => self.mark()?,
            24..27 => self.read()?,
            27..30 => self.look_up()?,
            30..35 => self.query()?,
            35..39 => self.snapshot()?,
            39..41 => self.follow()?,
            41..44 => self.read_on(false)?,
            44..47 => self.wait_for_news()?,
            47 => self.count()?,
            _ => self.reopen()?,
        }
        match self.plain.wrong {
            Wrong::Time => self.plain.time = self.time.now(),
            Wrong::Bytes => {
                let last = self.plain.log.last_mut().and_then(|entry| entry.bytes.last_mut());
                last.into_iter().for_each(|byte| *byte ^= 1);
            }
            Wrong::Nothing | Wrong::Window | Wrong::Kept => {}
            Wrong::Guard | Wrong::After | Wrong::Tags | Wrong::Deleted => {}
        }
        Ok(())
    }

    /// Closes the store and opens it again, perhaps with other sizes, perhaps without its index.
    fn reopen(&mut self) -> Checked {
        self.note("close".into());
        self.store.close();
        let left = self.dismiss()?;
        self.harm_index()?;
        self.setting = self.setting.redraw(&mut self.chance);
        self.note(format!("open with {:?}", self.setting));
        self.store = open(&self.disk, &self.setting, &self.time, &self.metrics)?;
        self.plain.reopened();
        self.agree_on_limits();
        self.resume(left)
    }

    /// Removes or damages files of the index: it is a view, and made again. The state needs no harm: on a
    /// disk in memory it is made again at every start.
    fn harm_index(&mut self) -> Checked {
        let directory = Path::new(HOME).join("index");
        let (is_removed, times) = (self.chance.once_in(2), 1 + self.chance.below(3));
        if self.chance.once_in(3) {
            return Ok(());
        }
        for name in self.disk.list(&directory).map_err(|error| error.to_string())? {
            if !self.chance.once_in(times) {
                continue;
            }
            let path = directory.join(name);
            self.note(format!("harm {}, removed: {is_removed}", path.display()));
            let harmed = if is_removed { self.disk.remove(&path) } else { self.damage(&path) };
            harmed.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Cuts a file, or changes a byte of it.
    fn damage(&mut self, path: &Path) -> Result<(), quipu::disk::Error> {
        let file = self.disk.open(path, Open::Write)?;
        let at = self.chance.below(file.len()?.max(1));
        if self.chance.once_in(3) { file.set_len(at) } else { file.write_at(&[self.chance.number() as u8], at) }
    }
}
