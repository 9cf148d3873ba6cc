//! One call of the command, from its arguments to stories.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use tidegate_kubesim::{PodState, Stage};
use tidegate_sim::life;
use tidegate_sim::life::own::{Own, Updated};
use tidegate_sim::scenario::{Action, Commands, Context, Written};
use tidegate_sim::timeline::{Entry, Key, Timeline};
use tidegate_sim::{Options, Pace, World};

use super::check::{self, Checked};
use super::ending::Ending;
use super::image;
use super::input::{self, Object, Source};
use super::play::{Course, Failure, LIMIT_IN_WORDS, Play};
use super::problem::{Problem, Where, report};
use super::{Args, READY_AFTER};

/// All that is to be played.
pub(super) struct Session {
    /// Files in the order in which problems are told.
    files: Vec<String>,
    /// How many of them are applied at the beginning.
    given: usize,
    objects: Vec<Object>,
    script: Option<Script>,
    problems: Vec<Problem>,
    /// That of objects and commands that name none.
    namespace: String,
    /// `--namespace`.
    only: Option<String>,
    seed: u64,
    ready_after: Duration,
    /// What applies the given files, as a user would type it.
    apply: String,
    /// What of the script does not count, for standard error.
    notes: String,
}

struct Script {
    file: String,
    commands: Vec<Written>,
}

/// What came of it. Notes and reports are for standard error.
pub(super) enum Outcome {
    /// Nothing was played.
    Wrong { notes: String, report: String },
    /// The report is empty unless a script was not followed, or we have a bug.
    Played { notes: String, stories: Vec<Story>, report: String },
}

/// What is played with faults.
pub(super) struct Faulted {
    pub(super) own: Own,
    /// The Rollouts, by namespace and name, each with file and line.
    pub(super) rollouts: Vec<((String, String), Option<String>)>,
}

/// What happened to one Rollout.
pub(super) struct Story {
    /// With its namespace where that is not the one of the play.
    pub(super) name: String,
    /// File and line.
    pub(super) place: Option<String>,
    pub(super) entries: Vec<Entry>,
    pub(super) ending: Ending,
}

impl Session {
    /// Reads all files; what is wrong with them is kept for [`Session::play`].
    pub(super) fn read(args: &Args) -> Self {
        let (mut sources, mut problems) = input::sources(&args.files);
        let given = sources.len();
        let (mut seed, mut ready_after) = (args.seed, args.ready_after);
        let mut set_namespace = args.namespace.clone();
        let mut notes = String::new();
        let mut script = None;
        if let Some(path) = &args.script {
            match input::source(path) {
                Ok(source) => {
                    let read = Commands::read(&source.text);
                    let at = |line| Where::Line(source.name.clone(), line);
                    let line_of = |line: usize| source.text.lines().nth(line - 1).unwrap_or_default().trim();
                    let faults = read.faults.iter();
                    problems.extend(faults.map(|(line, fault)| {
                        Problem::new(at(*line), format!("`{}`: {fault}", line_of(*line)))
                    }));
                    seed = seed.or(read.seed);
                    ready_after =
                        read.ready_after.filter(|_| ready_after == READY_AFTER).unwrap_or(ready_after);
                    set_namespace = set_namespace.or(read.namespace);
                    notes = ignored(&source.name, &read.others);
                    if args.faults && read.seed.is_some() {
                        notes += &format!(
                            "note: {}: `# seed` does not count with --faults; --seed does\n",
                            source.name
                        );
                    }
                    let (more, faults) = applied(&read.commands, &sources, &source.name);
                    sources.extend(more);
                    problems.extend(faults);
                    script = Some(Script { file: source.name, commands: read.commands });
                }
                Err(problem) => problems.push(problem),
            }
        }
        let (objects, faults) = input::objects(&sources);
        problems.extend(faults);
        let mut files: Vec<String> = sources.into_iter().map(|source| source.name).collect();
        files.extend(script.iter().map(|script| script.file.clone()));
        let named = args.namespace.as_ref().map_or(String::new(), |namespace| format!(" -n {namespace}"));
        let paths: Vec<String> = args.files.iter().map(|path| format!(" -f {}", path.display())).collect();
        let namespace = set_namespace.unwrap_or_else(|| common_namespace(&objects));
        let apply = format!("kubectl apply{}{named}", paths.concat());
        Self {
            files,
            given,
            objects,
            script,
            problems,
            namespace,
            only: args.namespace.clone(),
            ready_after,
            seed: seed.unwrap_or(1),
            apply,
            notes,
        }
    }

    /// Plays in a world of its own.
    pub(super) fn play(self) -> Outcome {
        let mut options = Options { seed: self.seed, routing: None, ..Options::default() };
        options.kubelet.stages = vec![Stage { after: self.ready_after, state: PodState::Ready }];
        tidegate_sim::run(Pace::Virtual, options, |mut world| async move {
            world.prepare().await;
            self.play_in(world).await
        })
    }

    /// What is to be played with faults, after the same checks as without; with notes for standard error.
    ///
    /// # Errors
    /// What is wrong with the input.
    pub(super) fn with_faults(self) -> (String, Result<Faulted, String>) {
        let options = Options { seed: self.seed, routing: None, ..Options::default() };
        tidegate_sim::run(Pace::Virtual, options, |mut world| async move {
            world.prepare().await;
            match self.check(&world).await {
                Err((notes, report)) => (notes, Err(report)),
                Ok((notes, checked)) => (notes, self.faulted(world, &checked).await),
            }
        })
    }

    async fn faulted(&self, world: World, checked: &Checked<'_>) -> Result<Faulted, String> {
        let keys: Vec<(Key, &Object)> =
            checked.objects.iter().filter(|it| it.is_rollout()).map(|it| (self.key(it), *it)).collect();
        let elsewhere = keys.iter().filter(|(key, _)| key.namespace != self.namespace);
        let elsewhere = elsewhere.map(|(key, object)| {
            let text = format!(
                "metadata.namespace: is {}, but with --faults all Rollouts must be in one namespace",
                key.namespace
            );
            let hint = "play the Rollouts of one namespace at a time";
            Problem::new(object.line_of("metadata.namespace"), text).hint(hint)
        });
        let elsewhere: Vec<Problem> = elsewhere.collect();
        if !elsewhere.is_empty() {
            return Err(report(elsewhere, &self.files));
        }
        let first = self.first(checked);
        let mut play = self.begin(world, checked);
        self.apply(&mut play, &first).await?;
        let mut rollouts = Vec::new();
        for (key, _) in &keys {
            // Of one that only the script applies nothing is updated.
            let images = play.world.images(&key.namespace, &key.name).await.unwrap_or_default();
            rollouts.push(updated(&key.name, &images));
        }
        let of_objects = first.iter().map(|object| object.namespace.as_str());
        let namespaces: BTreeSet<&str> = of_objects.filter(|name| !name.is_empty()).collect();
        let namespaces = namespaces.into_iter().filter(|name| *name != self.namespace).map(
            |name| serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
        );
        let objects = namespaces.chain(first.iter().map(|object| object.node.to_value())).collect();
        let course =
            |script: &Script| script.commands.iter().flat_map(|it| written(it, &checked.objects)).collect();
        let own = Own {
            objects,
            rollouts,
            course: self.script.as_ref().map(course),
            namespace: self.namespace.clone(),
            ready_after: self.ready_after,
        };
        let place_of = |(key, object): (Key, &Object)| ((key.namespace, key.name), Some(place(object)));
        Ok(Faulted { own, rollouts: keys.into_iter().map(place_of).collect() })
    }

    /// Looks at everything before anything is stored; answers notes and the objects, or notes and a report.
    async fn check<'a>(&'a self, world: &World) -> Result<(String, Checked<'a>), (String, String)> {
        self.create_namespaces(world).await;
        let mut checked = check::check(world, &self.objects, &self.namespace, self.only.as_deref()).await;
        let skipped = checked.skipped.iter().map(|skipped| format!("note: {skipped}\n"));
        let notes = self.notes.clone() + &skipped.collect::<String>();
        let mut problems = self.problems.clone();
        problems.append(&mut checked.problems);
        problems.extend(self.strangers(&checked, problems.is_empty()));
        if problems.is_empty() { Ok((notes, checked)) } else { Err((notes, report(problems, &self.files))) }
    }

    /// The objects that are applied at the beginning.
    fn first<'a>(&self, checked: &Checked<'a>) -> Vec<&'a Object> {
        let given = &self.files[..self.given];
        checked.objects.iter().filter(|object| given.contains(&object.file)).copied().collect()
    }

    fn begin<'a>(&self, world: World, checked: &'a Checked<'_>) -> Play<'a> {
        let context = Context { namespace: self.namespace.clone(), folder: Path::new("").to_owned() };
        let objects = &checked.objects;
        Play { world, timeline: Timeline::begin(), context, objects, refused: Vec::new() }
    }

    /// Applies what is applied at the beginning.
    ///
    /// # Errors
    /// What was refused.
    async fn apply(&self, play: &mut Play<'_>, first: &[&Object]) -> Result<(), String> {
        play.timeline.command(None, &self.apply, String::new());
        if let Err((index, error)) = play.apply(first).await {
            let problem = Problem::new(first[index].line_of(""), error.to_string());
            return Err(report(vec![problem], &self.files));
        }
        play.settle_in().await;
        let refused = check::invalid_specs(&play.world, first, &self.namespace);
        if refused.is_empty() { Ok(()) } else { Err(report(refused, &self.files)) }
    }

    async fn play_in(&self, world: World) -> Outcome {
        let (notes, checked) = match self.check(&world).await {
            Ok(checked) => checked,
            Err((notes, report)) => return Outcome::Wrong { notes, report },
        };
        let mut play = self.begin(world, &checked);
        if let Err(report) = self.apply(&mut play, &self.first(&checked)).await {
            return Outcome::Wrong { notes, report };
        }
        let failures = self.carry_on(&mut play).await;
        let mut stories = Vec::new();
        for key in play.timeline.rollouts() {
            stories.push(self.story(&play, key, &checked).await);
        }
        let order =
            |story: &Story| self.objects.iter().position(|it| story.place.as_deref() == Some(&place(it)));
        stories.sort_by_key(|story| order(story).unwrap_or(usize::MAX));
        Outcome::Played { notes, stories, report: report(failures, &self.files) }
    }

    /// Plays the script, or what there is to do without one; what went wrong.
    async fn carry_on(&self, play: &mut Play<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(script) = &self.script {
            for (written, failure) in play.script(&script.commands).await {
                let (text, hint) = match failure {
                    Failure::Refused(error, hint) => (error, hint),
                    Failure::NeverCame(instead) => {
                        (format!("did not come within {LIMIT_IN_WORDS}; {instead}"), None)
                    }
                };
                let at = Where::Line(script.file.clone(), written.line);
                let text = format!("`{}`: {text}", written.text);
                problems.push(Problem { at, text, hint });
            }
        }
        let course = if self.script.is_some() { Course::of_spectator } else { Course::of_user };
        let mut courses: Vec<Course> = play.timeline.rollouts().cloned().map(course).collect();
        play.follow(&mut courses).await;
        problems.extend(play.refused.iter().map(|refused| Problem::new(Where::Input, refused)));
        let bug = "this is a bug of Tidegate, not of the Rollout: please report it with these files";
        if play.world.controller_has_ended() {
            problems.push(Problem::new(Where::Input, "the controller has ended by itself").hint(bug));
        }
        for (at, violation) in play.world.inspector.violations() {
            let text = format!("the controller broke an invariant at {at}: {violation}");
            problems.push(Problem::new(Where::Input, text).hint(bug));
        }
        problems
    }

    async fn story(&self, play: &Play<'_>, key: &Key, checked: &Checked<'_>) -> Story {
        let object = checked.objects.iter().find(|object| object.is_rollout() && self.key(object) == *key);
        Story {
            name: self.shown(key),
            place: object.map(|object| place(object)),
            entries: play.timeline.entries_of(key).cloned().collect(),
            ending: Ending::of(&play.world, &play.timeline, key).await,
        }
    }

    /// With its namespace where that is not the one of the play.
    fn shown(&self, key: &Key) -> String {
        let is_here = key.namespace == self.namespace;
        if is_here { key.name.clone() } else { format!("{}/{}", key.namespace, key.name) }
    }

    fn key(&self, object: &Object) -> Key {
        check::key(object, &self.namespace)
    }

    /// Commands of the script about Rollouts that are nowhere, or no Rollout at all where nothing else is wrong.
    fn strangers(&self, checked: &Checked<'_>, is_readable: bool) -> Vec<Problem> {
        let rollouts = checked.objects.iter().filter(|object| object.is_rollout());
        let known: BTreeSet<Key> = rollouts.map(|object| self.key(object)).collect();
        if known.is_empty() && !is_readable {
            return Vec::new();
        }
        if known.is_empty() {
            let files = self.files[..self.given].join(", ");
            let hint = "a Rollout has `apiVersion: argoproj.io/v1alpha1` and `kind: Rollout`";
            return vec![Problem::new(Where::Input, format!("no Rollout in {files}")).hint(hint)];
        }
        let Some(script) = &self.script else { return Vec::new() };
        let stranger = |written: &&Written| {
            let namespace = written.command.namespace.as_ref().unwrap_or(&self.namespace).clone();
            let name = written.command.rollout().map(str::to_owned);
            name.is_some_and(|name| !known.contains(&Key { namespace, name }))
        };
        let strangers = script.commands.iter().filter(stranger);
        let names: Vec<String> = known.iter().map(|key| self.shown(key)).collect();
        strangers
            .map(|written| {
                let name = written.command.rollout().unwrap_or_default().to_owned();
                let namespace = written.command.namespace.as_ref().unwrap_or(&self.namespace).clone();
                let wanted = Key { namespace, name };
                let text =
                    format!("no Rollout {} in the input; it has {}", self.shown(&wanted), names.join(", "));
                Problem::new(Where::Line(script.file.clone(), written.line), text)
            })
            .collect()
    }

    async fn create_namespaces(&self, world: &World) {
        let of_objects = self.objects.iter().map(|object| object.namespace.as_str());
        let names: BTreeSet<&str> = of_objects.chain([self.namespace.as_str()]).collect();
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            if world.server.get("namespaces", "", name).is_none() {
                // A name that is none is refused; so is then what is to stand in it, and that is said with its line.
                let _ = world.create_namespace(name).await;
            }
        }
    }
}

/// What two updates of a Rollout ask for.
fn updated(name: &str, images: &[(String, String)]) -> Updated {
    let of = |times: usize| -> Vec<String> {
        let again = |image: &String| (0..times).fold(image.clone(), |image, _| image::updated(&image));
        images.iter().map(|(_, image)| again(image)).collect()
    };
    let images_of: Vec<Vec<String>> = if images.is_empty() { Vec::new() } else { vec![of(1), of(2)] };
    let update = |new: &Vec<String>| {
        let pairs = images.iter().zip(new).map(|((container, _), image)| format!("{container}={image}"));
        pairs.collect::<Vec<_>>().join(" ")
    };
    Updated { name: name.to_owned(), updates: images_of.iter().map(update).collect(), images: images_of }
}

/// `shop.yaml:3`
fn place(object: &Object) -> String {
    object.line_of("").to_string().trim_end_matches(": ").to_owned()
}

/// Comments that say nothing here: the world is that of the command.
fn ignored(script: &str, comments: &[(usize, String)]) -> String {
    let note = |(line, comment): &(usize, String)| {
        format!("note: {script}:{line}: `{comment}` counts in scenarios only\n")
    };
    comments.iter().map(note).collect()
}

/// What the script applies besides what is there already.
fn applied(commands: &[Written], known: &[Source], script: &str) -> (Vec<Source>, Vec<Problem>) {
    let (mut sources, mut problems): (Vec<Source>, _) = (Vec::new(), Vec::new());
    for Written { line, command, .. } in commands {
        let Some(file) = command.file() else { continue };
        if known.iter().chain(&sources).any(|source| source.name == file) {
            continue;
        }
        match input::source(Path::new(file)) {
            Ok(source) => sources.push(source),
            Err(problem) => {
                let text = format!("{}{}", problem.at, problem.text);
                problems.push(Problem::new(Where::Line(script.to_owned(), *line), text));
            }
        }
    }
    (sources, problems)
}

/// A command with the objects of its file in place of the file: checked, and without what no cluster here knows.
fn written(command: &Written, objects: &[&Object]) -> Vec<String> {
    let Some(file) = command.command.file() else { return vec![command.text.clone()] };
    let verb = if matches!(command.command.action, Action::Replace { .. }) { "replace" } else { "apply" };
    let namespace = command.command.namespace.as_ref().map_or(String::new(), |it| format!(" -n {it}"));
    let of_file = objects.iter().filter(|object| object.file == file);
    of_file.map(|object| life::written(&format!("{verb}{namespace}"), &object.node.to_value())).collect()
}

/// The one namespace that all Rollouts name, or `default`.
fn common_namespace(objects: &[Object]) -> String {
    let rollouts = objects.iter().filter(|object| object.is_rollout());
    let names: BTreeSet<&str> = rollouts.map(|object| object.namespace.as_str()).collect();
    match names.into_iter().collect::<Vec<_>>().as_slice() {
        [only] if !only.is_empty() => (*only).to_owned(),
        _ => "default".to_owned(),
    }
}
