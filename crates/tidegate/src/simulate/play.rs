//! Plays Rollouts in virtual time: by a script, or by itself.

use std::time::Duration;

use tidegate_core::Plan;
use tidegate_sim::scenario::{self, Action, Command, Context, Wanted, Written};
use tidegate_sim::timeline::{GRAIN, Key, Timeline};
use tidegate_sim::{UserError, World};
use tokio::time::Instant;

use super::image;
use super::input::Object;

/// How long is played: whoever pauses for longer is not waited for.
pub(super) const LIMIT: Duration = Duration::from_secs(30 * 86_400);
/// The same in words.
pub(super) const LIMIT_IN_WORDS: &str = "30 days";
/// An end must hold for this long: old pods go away after a Rollout is Healthy.
const REST: Duration = Duration::from_secs(3);
/// When nothing has changed for this long, and nothing is scheduled, nothing will; crashed containers are back before.
const STANDSTILL: Duration = Duration::from_secs(600);
/// Nobody needs to promote more often, or promoting does not help.
const MOST_PROMOTIONS: usize = 1_000;

/// A play under way.
pub(super) struct Play<'a> {
    pub(super) world: World,
    pub(super) timeline: Timeline,
    pub(super) context: Context,
    /// What the script may apply.
    pub(super) objects: &'a [&'a Object],
    /// Commands of ours that were not followed, and why.
    pub(super) refused: Vec<String>,
}

/// What one Rollout is still to go through.
pub(super) struct Course {
    key: Key,
    /// What is done to it, besides looking on.
    automatic: Option<Automatic>,
    is_over: bool,
}

#[derive(Default)]
struct Automatic {
    is_updated: bool,
    promotions: usize,
}

impl Course {
    /// Nobody touches it any more.
    pub(super) fn of_spectator(key: Key) -> Self {
        Self { key, automatic: None, is_over: false }
    }

    /// It is updated once it is deployed, and promoted at each pause that nothing else ends.
    pub(super) fn of_user(key: Key) -> Self {
        Self { key, automatic: Some(Automatic::default()), is_over: false }
    }
}

/// Why a command was not followed.
pub(super) enum Failure {
    /// The user would see this error, and may be told what to do.
    Refused(String, Option<String>),
    /// What was waited for did not come; what is there instead.
    NeverCame(String),
}

impl From<UserError> for Failure {
    fn from(error: UserError) -> Self {
        Self::Refused(error.to_string(), error.hint())
    }
}

impl Play<'_> {
    fn limit(&self) -> Instant {
        self.timeline.began + LIMIT
    }

    /// Lets time pass until something has changed, or until `end`; tells whether something has.
    async fn look_on(&mut self, end: Instant) -> bool {
        let has_news = self.world.next_look(self.timeline.began, GRAIN, end).await;
        self.timeline.look(&self.world);
        has_news
    }

    /// Applies objects in order; the first that is refused ends it.
    pub(super) async fn apply(&self, objects: &[&Object]) -> Result<(), (usize, UserError)> {
        for (index, object) in objects.iter().enumerate() {
            let applied = self.world.apply_object(&self.context.namespace, object.node.to_value()).await;
            applied.map_err(|error| (index, error))?;
        }
        Ok(())
    }

    /// Lets the controller see what was applied. Nothing is shown of the instant before.
    pub(super) async fn settle_in(&mut self) {
        let soon = Instant::now() + 5 * GRAIN;
        while self.look_on(soon).await {}
    }

    /// Carries out a script; which commands were not followed, and why. Waiting in vain ends it.
    pub(super) async fn script<'s>(&mut self, commands: &'s [Written]) -> Vec<(&'s Written, Failure)> {
        let mut failures = Vec::new();
        for written in commands {
            let Err(failure) = self.follow_command(&written.text, &written.command).await else { continue };
            let is_over = matches!(failure, Failure::NeverCame(_));
            failures.push((written, failure));
            if is_over {
                break;
            }
        }
        failures
    }

    async fn follow_command(&mut self, text: &str, command: &Command) -> Result<(), Failure> {
        match &command.action {
            Action::Wait(time) => {
                self.timeline.command(None, text, String::new());
                let end = Instant::now() + *time;
                while self.look_on(end).await {}
                Ok(())
            }
            Action::Attend(time) => {
                self.timeline.command(None, text, String::new());
                self.attend(*time).await;
                Ok(())
            }
            Action::WaitUntil(wanted) => {
                self.timeline.command(None, text, String::new());
                self.wait_until(wanted).await
            }
            _ => self.give(text, command).await,
        }
    }

    /// Lets time pass, and promotes what waits for a person.
    async fn attend(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            for key in self.world.rollouts() {
                if self.world.waits_for_a_person(&key.namespace, &key.name).await {
                    self.promote(&key).await;
                }
            }
            if !self.look_on(end).await {
                return;
            }
        }
    }

    async fn wait_until(&mut self, wanted: &Wanted) -> Result<(), Failure> {
        // The controller sees what was done before the words count, as in a scenario.
        let soon = Instant::now() + Duration::from_millis(100);
        while self.look_on(soon).await {}
        loop {
            let summaries: Vec<String> = self
                .world
                .rollouts()
                .iter()
                .map(|key| self.world.summary(&key.namespace, &key.name))
                .collect();
            if wanted.is_met(&summaries) {
                return Ok(());
            }
            if !self.look_on(self.limit()).await {
                return Err(Failure::NeverCame(match summaries.join("; ") {
                    none if none.is_empty() => "there is no Rollout".to_owned(),
                    summary => format!("it is `{summary}`"),
                }));
            }
        }
    }

    /// Gives a command and notes it. What it prints is noted where somebody wanted to see it, or was refused.
    async fn give(&mut self, text: &str, command: &Command) -> Result<(), Failure> {
        let namespace = command.namespace.as_ref().unwrap_or(&self.context.namespace).clone();
        let answer = self.carry_out(command).await;
        let output = match &answer {
            Ok(output) if command.is_look() => output.clone(),
            Err(Failure::Refused(error, _)) => format!("Error: {error}"),
            _ => String::new(),
        };
        let key = command.rollout().map(|name| Key { namespace, name: name.to_owned() });
        self.timeline.command(key, text, output);
        answer.map(drop)
    }

    async fn carry_out(&mut self, command: &Command) -> Result<String, Failure> {
        if let Some(file) = command.file() {
            for object in self.objects.iter().filter(|object| object.file == file) {
                let at = command.namespace.as_deref().unwrap_or(&self.context.namespace);
                let object = object.node.to_value();
                match command.action {
                    Action::Replace { .. } => self.world.replace_object(at, object).await?,
                    _ => self.world.apply_object(at, object).await?,
                };
            }
            return Ok(String::new());
        }
        match scenario::perform(&mut self.world, command, &self.context).await {
            Ok(shown) => Ok(shown.unwrap_or_else(|| Ok(String::new()))?),
            Err(error) => Err(Failure::Refused(error.to_string(), None)),
        }
    }

    /// Follows all courses until they are over, or time is up.
    pub(super) async fn follow(&mut self, courses: &mut [Course]) {
        let (shortest, longest) = (Duration::from_secs(1), Duration::from_secs(3600));
        let mut patience = shortest;
        loop {
            for course in courses.iter_mut().filter(|course| !course.is_over) {
                self.step(course).await;
            }
            let now = Instant::now();
            if courses.iter().all(|course| course.is_over) || now >= self.limit() {
                return;
            }
            let end = (now + patience).min(self.limit());
            patience = if self.look_on(end).await { shortest } else { (patience * 2).min(longest) };
        }
    }

    /// Does what is due for one Rollout.
    async fn step(&mut self, course: &mut Course) {
        let Some((moment, changed)) = self.timeline.last(&course.key) else {
            course.is_over = true;
            return;
        };
        let (phase, quiet) = (moment.phase.clone(), changed.elapsed());
        let plan = self.world.second_plan(&course.key.namespace, &course.key.name).await;
        if let Some(automatic) = &mut course.automatic {
            let is_idle = plan.as_ref().is_some_and(|plan| plan.writes.is_empty());
            if phase == "Healthy" && is_idle && !automatic.is_updated {
                automatic.is_updated = true;
                return self.update(&course.key).await;
            }
            let is_forever = is_idle && plan.as_ref().is_some_and(|plan| plan.wake_at.is_none());
            if phase == "Paused" && is_forever && automatic.promotions < MOST_PROMOTIONS {
                automatic.promotions += 1;
                return self.promote(&course.key).await;
            }
        }
        course.is_over = is_end(&phase, plan.as_ref(), quiet);
    }

    async fn update(&mut self, key: &Key) {
        match self.world.images(&key.namespace, &key.name).await {
            Ok(images) => {
                let pair =
                    |(container, image): &(String, String)| format!(" {container}={}", image::updated(image));
                let pairs: String = images.iter().map(pair).collect();
                self.give_plugin(key, &format!("set image {}{pairs}", key.name)).await;
            }
            Err(error) => self.refused.push(format!("the images of {} cannot be read: {error}", key.name)),
        }
    }

    async fn promote(&mut self, key: &Key) {
        self.give_plugin(key, &format!("promote {}", key.name)).await;
    }

    async fn give_plugin(&mut self, key: &Key, words: &str) {
        let namespace = if key.namespace == self.context.namespace {
            String::new()
        } else {
            format!(" -n {}", key.namespace)
        };
        let text = format!("kubectl argo rollouts {words}{namespace}");
        let answer = match Command::parse(&text) {
            Ok(command) => self.give(&text, &command).await,
            Err(error) => Err(Failure::Refused(error.to_string(), None)),
        };
        if let Err(Failure::Refused(error, _) | Failure::NeverCame(error)) = answer {
            self.refused.push(format!("`{text}`: {error}"));
        }
    }
}

/// Whether a Rollout will stay as it is.
fn is_end(phase: &str, plan: Option<&Plan>, quiet: Duration) -> bool {
    let has_work = plan.is_some_and(|plan| !plan.writes.is_empty());
    let will_wake = plan.is_some_and(|plan| plan.wake_at.is_some());
    match phase {
        _ if has_work => false,
        "Healthy" | "Degraded" => quiet >= if will_wake { STANDSTILL } else { REST },
        _ => !will_wake && quiet >= STANDSTILL,
    }
}
