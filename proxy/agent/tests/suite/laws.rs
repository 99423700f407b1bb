//! Laws that hold for every order of events.

use std::collections::VecDeque;

use agent::limits::Limits;
use agent::model::{ModelEvent, ModelRequest};
use agent::run::{Effect, Input, Run, Turn};
use agent::tool::{ListOutcome, ToolOutcome};
use proptest::collection::vec;
use proptest::prelude::*;
use protocol::responses::content::{Content, OutputText};
use protocol::responses::event::{Event, EventBody};
use protocol::responses::item::{Item, Output};
use protocol::responses::response::{Response, Status};
use protocol::responses::usage::Usage;

use super::environment::{any_generation, any_input, any_listing, any_outcome, any_turn};
use super::fold::Client;
use super::support::{Owners, done, drain, limited};

fn texts(item: &Item) -> Vec<&OutputText> {
    let Item::Message(message) = item else { return Vec::new() };
    let parts = message.content.iter();
    parts.filter_map(|part| if let Content::OutputText(text) = part { Some(text) } else { None }).collect()
}

/// A run with all that went in and came out of it.
struct Watched {
    run: Run<Owners>,
    inputs: Vec<Input>,
    effects: Vec<Effect>,
    client: Client,
}

impl Watched {
    fn new(turn: &Turn, limits: Limits) -> Self {
        let run = limited(turn.clone(), limits);
        let mut watched = Self { run, inputs: Vec::new(), effects: Vec::new(), client: Client::default() };
        watched.watch();
        watched
    }

    /// Handles inputs of which results name their call by its number.
    fn play(turn: &Turn, limits: Limits, inputs: Vec<Input>) -> Self {
        let mut watched = Self::new(turn, limits);
        let mut ids = Vec::new();
        for input in inputs {
            let effects = watched.handle(with_id(input, &ids));
            ids.extend(effects.into_iter().filter_map(started));
        }
        watched
    }

    /// Handles an input and returns what came of it.
    fn handle(&mut self, input: Input) -> Vec<Effect> {
        self.inputs.push(input.clone());
        self.run.handle(input);
        self.watch()
    }

    fn watch(&mut self) -> Vec<Effect> {
        let new = drain(&mut self.run);
        new.iter().for_each(|effect| self.client.take(effect));
        self.effects.extend(new.iter().cloned());
        new
    }

    fn end(&self) -> Option<&Response> {
        let ends: Vec<&Effect> =
            self.effects.iter().filter(|effect| matches!(effect, Effect::Finish(_))).collect();
        assert!(ends.len() <= 1, "a run ends once");
        let Some(Effect::Finish(finished)) = ends.first() else { return None };
        assert_eq!(self.effects.last(), ends.first().copied(), "nothing follows the end");
        Some(&finished.response)
    }

    /// The items that were closed.
    fn done(&self) -> impl Iterator<Item = &Item> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::Emit(Event { body: EventBody::ItemDone(_, item), .. }) => Some(&**item),
            _ => None,
        })
    }

    fn server_calls(&self) -> usize {
        self.effects.iter().filter(|effect| matches!(effect, Effect::CallTool { .. })).count()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    /// Folding the events gives the response, numbers are dense, one terminal event is the last: for any inputs.
    #[test]
    fn events_alone_rebuild_the_response((turn, limits) in any_turn(), inputs in vec(any_input(), 0..60)) {
        let watched = Watched::play(&turn, limits, inputs);
        prop_assert_eq!(watched.end(), watched.client.end.as_ref());
    }

    /// What is annotated as a citation is a link to what a tool has found, in code points, whatever the cuts.
    #[test]
    fn citations_are_links_to_sources((turn, limits) in any_turn(), inputs in vec(any_input(), 0..60)) {
        let watched = Watched::play(&turn, limits, inputs);
        for part in watched.done().flat_map(texts) {
            let letters: Vec<char> = part.text.chars().collect();
            for cited in part.annotations.iter().filter(|annotation| annotation.get("title").is_some()) {
                let place = |key: &str| cited[key].as_u64().and_then(|place| usize::try_from(place).ok()).unwrap();
                let span: String = letters[place("start_index")..place("end_index")].iter().collect();
                let is_link = span.starts_with('[') && span.ends_with(')') && span.contains("](https://a.b");
                prop_assert!(is_link, "{} in {}", span, part.text);
                prop_assert_eq!(&cited["url"], "https://a.b");
            }
        }
    }

    /// The same inputs give the same effects.
    #[test]
    fn a_replay_gives_the_same_effects((turn, limits) in any_turn(), inputs in vec(any_input(), 0..40)) {
        let first = Watched::play(&turn, limits, inputs);
        let mut second = Watched::new(&turn, limits);
        for input in first.inputs.clone() {
            second.handle(input);
        }
        prop_assert_eq!(first.effects, second.effects);
    }

    /// If every effect is answered, in any order, the run ends, within its limits and with all tokens counted.
    #[test]
    fn a_fair_environment_ends_every_run(
        (turn, limits) in any_turn(),
        generations in vec(any_generation(), 6),
        outcomes in vec(any_outcome(), 40),
        listings in vec(any_listing(), 2),
        order in vec(any::<u8>(), 64),
    ) {
        let mut world = World::new(generations, outcomes, listings);
        let mut watched = Watched::new(&turn, limits);
        world.see(&watched.effects.clone());
        let mut order = order.into_iter().cycle();
        while watched.end().is_none() {
            let input = world.next(order.next().unwrap_or(0));
            let Some(input) = input else { return Err(TestCaseError::fail("the run waits for nothing")) };
            let effects = watched.handle(input);
            world.see(&effects);
        }
        let Some(response) = watched.end() else { return Err(TestCaseError::fail("no end")) };
        prop_assert_eq!(response.usage, Some(world.spent()));
        prop_assert!(watched.server_calls() as u64 <= turn.max_tool_calls.unwrap_or(u64::MAX));
        prop_assert!(watched.server_calls() <= limits.tool_calls as usize);
        prop_assert!(world.asked <= limits.rounds);
    }

    /// A call that was approved runs at most once, before the model is asked, and exactly once if it may.
    #[test]
    fn an_approved_call_runs_once((turn, limits) in any_turn(), inputs in vec(any_input(), 0..40)) {
        let watched = Watched::play(&turn, limits, inputs);
        let asked = watched.effects.iter().position(|effect| matches!(effect, Effect::CallModel(_)));
        for approved in &turn.approved {
            let is_it = |effect: &Effect| {
                let Effect::CallTool { call, .. } = effect else { return false };
                call.arguments == approved.arguments
            };
            let places: Vec<usize> = (0..watched.effects.len()).filter(|at| is_it(&watched.effects[*at])).collect();
            prop_assert!(places.len() <= 1, "{} ran {} times", approved.arguments, places.len());
            let answers = watched.done().filter(|item| is_answer(item, &approved.request_id)).count();
            if let Some(asked) = asked {
                prop_assert!(places.iter().all(|place| *place < asked), "before the model is asked");
                prop_assert_eq!(answers, 1, "it ran, or the client sees why not");
            }
        }
    }

    /// A server whose tools the context holds is never asked, and one that is asked is asked once.
    #[test]
    fn servers_are_listed_once((turn, limits) in any_turn(), inputs in vec(any_input(), 0..40)) {
        let watched = Watched::play(&turn, limits, inputs);
        for server in &turn.servers {
            let is_known = turn.history.iter().any(|item| is_list_of(item, &server.label));
            let asks = |effect: &&Effect| matches!(effect, Effect::ListTools(label) if *label == server.label);
            prop_assert_eq!(watched.effects.iter().filter(asks).count(), usize::from(!is_known));
            prop_assert!(!is_known || !watched.done().any(|item| is_list_of(item, &server.label)));
        }
    }

    /// A cancelled run ends at once, and nothing moves it any more.
    #[test]
    fn nothing_runs_after_the_end(
        (turn, limits) in any_turn(),
        before in vec(any_input(), 0..20),
        after in vec(any_input(), 1..20),
    ) {
        let mut watched = Watched::play(&turn, limits, before);
        watched.handle(Input::Cancelled);
        prop_assert!(watched.end().is_some_and(|response| response.status != Status::InProgress));
        let ended = watched.effects.len();
        after.into_iter().for_each(|input| drop(watched.handle(input)));
        prop_assert_eq!(watched.effects.len(), ended);
    }
}

/// A model and tools that answer everything.
struct World {
    generations: VecDeque<Vec<Input>>,
    outcomes: VecDeque<ToolOutcome>,
    speech: VecDeque<Input>,
    running: Vec<String>,
    /// Servers that were asked for their tools and have not answered.
    asked_servers: Vec<String>,
    listings: VecDeque<ListOutcome>,
    /// Calls that ran and what they returned.
    results: Vec<(String, String)>,
    context: Vec<Item>,
    asked: u32,
    spending: Usage,
    spent: Usage,
}

impl World {
    fn new(generations: Vec<Vec<Input>>, outcomes: Vec<ToolOutcome>, listings: Vec<ListOutcome>) -> Self {
        Self {
            generations: generations.into(),
            outcomes: outcomes.into(),
            speech: VecDeque::new(),
            running: Vec::new(),
            asked_servers: Vec::new(),
            listings: listings.into(),
            results: Vec::new(),
            context: Vec::new(),
            asked: 0,
            spending: Usage::default(),
            spent: Usage::default(),
        }
    }

    fn see(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::CallModel(request) => self.asked(request),
                Effect::CallTool { call, .. } => self.running.push(call.id.clone()),
                Effect::ListTools(server) => self.asked_servers.push(server.clone()),
                Effect::Abort => {
                    self.speech.clear();
                    self.running.clear();
                    self.asked_servers.clear();
                }
                Effect::Emit(_) | Effect::Finish(_) => {}
            }
        }
    }

    /// Every call is answered before the model is asked again, and stands next to its result.
    fn asked(&mut self, request: &ModelRequest) {
        assert!(
            self.running.is_empty() && self.speech.is_empty() && self.asked_servers.is_empty(),
            "one generation at a time, after all calls and lists"
        );
        assert!(request.items.starts_with(&self.context), "the context only grows");
        let pairs = answered(&request.items);
        for result in &self.results {
            assert!(pairs.contains(result), "{result:?} is in the context");
        }
        self.context = request.items.to_vec();
        self.asked += 1;
        self.spent += std::mem::take(&mut self.spending);
        self.speech = self.generations.pop_front().unwrap_or_default().into();
    }

    /// The next thing that happens: the model goes on, or a tool returns.
    fn next(&mut self, pick: u8) -> Option<Input> {
        let pick = usize::from(pick);
        if !self.asked_servers.is_empty() {
            let server_label = self.asked_servers.swap_remove(pick % self.asked_servers.len());
            let outcome = self.listings.pop_front().unwrap_or(ListOutcome::Listed(Vec::new()));
            return Some(Input::Listed { server_label, outcome });
        }
        if !self.running.is_empty() && (pick.is_multiple_of(2) || self.speech.is_empty()) {
            let call = self.running.swap_remove(pick / 2 % self.running.len());
            let outcome = self.outcomes.pop_front().unwrap_or_default();
            self.results.push((call.clone(), outcome.output.clone()));
            self.spent += outcome.usage;
            return Some(done(&call, outcome));
        }
        let input = self.speech.pop_front()?;
        if let Input::Model(ModelEvent::Usage(usage)) = &input {
            self.spending = *usage;
        }
        Some(input)
    }

    fn spent(&self) -> Usage {
        let mut spent = self.spent;
        spent += self.spending;
        spent
    }
}

/// Calls and their results; calls that stand together are followed by their results, in the same order.
fn answered(items: &[Item]) -> Vec<(String, String)> {
    let (mut pairs, mut waiting) = (Vec::new(), VecDeque::new());
    for item in items {
        match item {
            Item::FunctionCall(call) => waiting.push_back(call.call_id.clone()),
            Item::FunctionCallOutput(output) => {
                let Output::Text(text) = &output.output else { panic!("an output without text") };
                assert_eq!(waiting.pop_front().as_ref(), Some(&output.call_id));
                pairs.push((output.call_id.clone(), text.clone()));
            }
            Item::Message(_) | Item::Reasoning(_) => assert!(waiting.is_empty(), "a call without output"),
            other => panic!("{} in the context", other.kind()),
        }
    }
    assert!(waiting.is_empty(), "a call without output");
    pairs
}

fn is_answer(item: &Item, request_id: &str) -> bool {
    matches!(item, Item::McpCall(call) if call.approval_request_id.as_deref() == Some(request_id))
}

fn is_list_of(item: &Item, label: &str) -> bool {
    matches!(item, Item::McpListTools(list) if list.server_label == label)
}

/// Puts the id of the numbered call into a result.
fn with_id(input: Input, ids: &[String]) -> Input {
    let Input::ToolDone { call, outcome } = input else { return input };
    let known = call.parse::<usize>().ok().and_then(|number| ids.get(number));
    Input::ToolDone { call: known.cloned().unwrap_or(call), outcome }
}

fn started(effect: Effect) -> Option<String> {
    if let Effect::CallTool { call, .. } = effect { Some(call.id) } else { None }
}
