//! Calls out of deltas, however an upstream numbers, names and cuts them.

use agent::model::{ModelError, ModelEvent, ModelTool, ToolInput};

use crate::fault::malformed;
use crate::free_text;
use crate::lenient::is_object;

/// The most calls of one answer.
const MOST_CALLS: usize = 1024;

/// The calls of one answer. Our index of a call is its place.
#[derive(Debug)]
pub(crate) struct Calls {
    offered: Vec<Offered>,
    list: Vec<Call>,
}

/// A tool that the model may call.
#[derive(Debug)]
struct Offered {
    name: String,
    /// True if it takes free text, which comes wrapped in `{"input":…}`.
    is_text: bool,
}

/// A piece of a call; empty where the upstream says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Piece<'a> {
    /// How the upstream numbers it.
    pub(crate) key: Option<i64>,
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) arguments: &'a str,
}

#[derive(Debug, Default)]
struct Call {
    key: Option<i64>,
    id: String,
    name: String,
    arguments: String,
    /// True once the name was told.
    started: bool,
    ended: bool,
    is_text: bool,
}

impl Calls {
    pub(crate) fn new(tools: &[ModelTool]) -> Self {
        let offered = tools.iter().map(|tool| Offered {
            name: tool.name.clone(),
            is_text: matches!(tool.input, ToolInput::Text { .. }),
        });
        Self { offered: offered.collect(), list: Vec::new() }
    }

    pub(crate) fn is_any(&self) -> bool {
        !self.list.is_empty()
    }

    /// Takes a piece of a call of a stream.
    ///
    /// Errors: it belongs to no call, or there are too many.
    pub(crate) fn piece(&mut self, piece: Piece<'_>, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let place = match self.place(piece) {
            Some(place) => place,
            None if piece.name.is_empty() && piece.id.is_empty() => {
                return Err(malformed("a call without a name"));
            }
            None => self.open(piece)?,
        };
        self.append(place, piece, out);
        Ok(())
    }

    /// Takes a whole call.
    ///
    /// Errors: there are too many.
    pub(crate) fn whole(&mut self, piece: Piece<'_>, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let place = self.open(piece)?;
        self.append(place, piece, out);
        Ok(())
    }

    /// True if a call of this number has begun.
    pub(crate) fn has(&self, key: i64) -> bool {
        self.list.iter().any(|call| call.key == Some(key))
    }

    /// True if arguments of the call with this number have come.
    pub(crate) fn has_arguments(&self, key: i64) -> bool {
        self.list.iter().any(|call| call.key == Some(key) && !call.arguments.is_empty())
    }

    /// Ends the call of this number.
    ///
    /// Errors: it has no name, or arguments that are no JSON object.
    pub(crate) fn end_key(&mut self, key: i64, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let place = self.list.iter().rposition(|call| call.key == Some(key));
        place.map_or(Ok(()), |place| self.end_one(place, out))
    }

    /// Ends all calls.
    ///
    /// Errors: a call has no name, or arguments that are no JSON object.
    pub(crate) fn end(&mut self, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        (0..self.list.len()).try_for_each(|place| self.end_one(place, out))
    }

    /// Ends the calls that are whole; the last one may have been cut off.
    pub(crate) fn end_whole(&mut self, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        for place in 0..self.list.len() {
            if self.list.get(place).is_some_and(Call::is_whole) {
                self.end_one(place, out)?;
            }
        }
        Ok(())
    }

    /// The call that a piece belongs to; `None` begins one.
    fn place(&self, piece: Piece<'_>) -> Option<usize> {
        let Piece { key, id, name, .. } = piece;
        let last = self.list.len().checked_sub(1);
        let found = match key {
            Some(key) => self.list.iter().rposition(|call| call.key == Some(key)),
            None if id.is_empty() => last,
            None => {
                self.list.iter().rposition(|call| call.id == id).or(if name.is_empty() { last } else { None })
            }
        };
        found.filter(|place| self.list.get(*place).is_some_and(|call| !call.is_other(id, name)))
    }

    fn open(&mut self, piece: Piece<'_>) -> Result<usize, ModelError> {
        if self.list.len() >= MOST_CALLS {
            return Err(malformed("it holds too many calls"));
        }
        self.list.push(Call { key: piece.key, id: piece.id.to_owned(), ..Call::default() });
        Ok(self.list.len() - 1)
    }

    fn append(&mut self, place: usize, piece: Piece<'_>, out: &mut Vec<ModelEvent>) {
        let Self { offered, list } = self;
        let Some(call) = list.get_mut(place).filter(|call| !call.ended) else { return };
        call.append_name(piece.name, offered);
        if !piece.arguments.is_empty() || is_unambiguous(&call.name, offered) {
            call.start(place, offered, out);
        }
        call.append_arguments(place, piece.arguments, out);
    }

    fn end_one(&mut self, place: usize, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let Self { offered, list } = self;
        let Some(call) = list.get_mut(place) else { return Ok(()) };
        if call.name.is_empty() {
            return Err(malformed("a call without a name"));
        }
        call.start(place, offered, out);
        call.end(place, out)
    }
}

impl Call {
    /// True if a piece with this id and name cannot continue the call: some upstreams give all calls the same index.
    fn is_other(&self, id: &str, name: &str) -> bool {
        let has_other_id = !id.is_empty() && !self.id.is_empty() && id != self.id;
        let has_same_id = !id.is_empty() && id == self.id;
        let follows = !has_same_id && self.is_whole();
        !name.is_empty() && (has_other_id || follows)
    }

    fn is_whole(&self) -> bool {
        self.arguments.trim_end().ends_with('}') && is_object(&self.arguments)
    }

    /// Appends a piece of the name; a name that is said again is no piece.
    fn append_name(&mut self, piece: &str, offered: &[Offered]) {
        let is_known = offered.iter().any(|tool| tool.name == self.name);
        if self.started || (is_known && piece == self.name) {
            return;
        }
        self.name.push_str(piece);
    }

    fn append_arguments(&mut self, place: usize, fragment: &str, out: &mut Vec<ModelEvent>) {
        if fragment.is_empty() {
            return;
        }
        self.arguments.push_str(fragment);
        if self.started && !self.is_text {
            out.push(ModelEvent::ToolArguments { index: index(place), fragment: fragment.to_owned() });
        }
    }

    fn start(&mut self, place: usize, offered: &[Offered], out: &mut Vec<ModelEvent>) {
        if self.started || self.name.is_empty() {
            return;
        }
        self.started = true;
        self.is_text = offered.iter().any(|tool| tool.is_text && tool.name == self.name);
        let index = index(place);
        out.push(ModelEvent::ToolStart { index, name: self.name.clone() });
        if !self.is_text && !self.arguments.is_empty() {
            out.push(ModelEvent::ToolArguments { index, fragment: self.arguments.clone() });
        }
    }

    fn end(&mut self, place: usize, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let index = index(place);
        if std::mem::replace(&mut self.ended, true) {
            return Ok(());
        }
        if self.is_text {
            let fragment = free_text::unwrap(std::mem::take(&mut self.arguments));
            out.push(ModelEvent::ToolArguments { index, fragment });
        } else if self.arguments.trim().is_empty() {
            out.push(ModelEvent::ToolArguments { index, fragment: "{}".to_owned() });
        } else if !is_object(&self.arguments) {
            return Err(malformed("the arguments of a call are no JSON object"));
        }
        out.push(ModelEvent::ToolEnd { index });
        Ok(())
    }
}

/// True if no other tool's name begins with this one, so that it is whole.
fn is_unambiguous(name: &str, offered: &[Offered]) -> bool {
    let mut matching = offered.iter().filter(|tool| tool.name.starts_with(name));
    matching.next().is_some_and(|tool| tool.name == name) && matching.next().is_none()
}

fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
