//! What the tools of a request share: who asks, which policies hold, and the built-in tools under them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;
use protocol::responses::item::Item;
use protocol::responses::tool::{HostedTool, Tool};
use tools::builtin::{Builtin, Builtins};
use tools::governed::{Context, Governed};
use tools::image_generation::{Gallery, ImageGeneration};
use tools::mapped::{Guise, Mapped};
use tools::mcp::Trace;
use tools::policy::{Caller, Counts, Hints, ToolKind};
use tools::think::Think;
use tools::web_search;

use crate::app::{App, Request};
use crate::live::resolve::Resolution;
use crate::runs::painter::Painters;
use crate::runs::remotes;
use crate::telemetry::trace;

/// Makes what the tools share when it is first asked for: most requests have no tool, and pay nothing. `items` are what is
/// in context.
pub fn once<'a>(
    app: &Arc<App>,
    request: &Request,
    items: impl Iterator<Item = &'a Item>,
) -> impl FnMut() -> Context {
    let (mut made, mut items) = (None, Some(items));
    move || {
        made.get_or_insert_with(|| {
            let untrusted = items.take().is_some_and(|mut items| items.any(is_untrusted));
            context(app, request, untrusted)
        })
        .clone()
    }
}

/// What built-in tools are found by.
pub struct Finder<'a> {
    pub app: &'a Arc<App>,
    pub request: &'a Request,
    /// The model that answers.
    pub answers: &'a Resolution,
    /// What is in context.
    pub items: (&'a [Item], &'a [Item]),
}

/// Finds the built-in tools that a request names.
pub fn builtins(tools: &[Tool], finder: &Finder<'_>, context: &mut impl FnMut() -> Context) -> Builtins {
    let mut found = Builtins::new();
    for tool in tools {
        let Tool::Hosted(tool) = tool else { continue };
        if let Some(builtin) = finder.mapped(tool, context).or_else(|| finder.builtin(tool, context)) {
            found.insert(tool.kind.clone(), builtin);
        }
    }
    found
}

impl Finder<'_> {
    fn builtin(&self, tool: &HostedTool, context: &mut impl FnMut() -> Context) -> Option<Arc<dyn Builtin>> {
        let (builtin, kind, name, hints): (Arc<dyn Builtin>, _, _, _) = match tool.kind.as_str() {
            "think" => (Arc::new(Think), ToolKind::Think, "think", harmless()),
            "image_generation" => (self.images()?, ToolKind::ImageGeneration, "image_generation", harmless()),
            kind if web_search::is_meant(kind) => {
                let search = self.request.runtime.web_search()?;
                (search, ToolKind::WebSearch, web_search::FAMILY, worldly())
            }
            _ => return None,
        };
        Some(Arc::new(Governed { builtin, kind, name, hints, context: context() }))
    }

    fn images(&self) -> Option<Arc<dyn Builtin>> {
        if !self.request.runtime.makes_images() {
            return None;
        }
        let (history, input) = self.items;
        let gallery = Arc::new(Gallery::of(history.iter().chain(input)));
        let studios = Arc::new(Painters::new(self.app, self.request, self.answers));
        Some(Arc::new(ImageGeneration { studios, gallery }))
    }

    /// A tool that a tool of an MCP server runs: the policies on that tool hold. What searches the web stands under those on
    /// `web_search` as well.
    fn mapped(&self, tool: &HostedTool, context: &mut impl FnMut() -> Context) -> Option<Arc<dyn Builtin>> {
        let runtime = &self.request.runtime;
        let (guise, mapped) = match tool.kind.as_str() {
            "code_interpreter" => (Guise::CodeInterpreter, runtime.code_interpreter()?),
            kind if web_search::is_meant(kind) => (Guise::WebSearch, runtime.mapped_search()?),
            _ => return None,
        };
        let server = remotes::mapped(self.app, runtime.server_of(&mapped.server)?, context());
        let builtin: Arc<dyn Builtin> = Arc::new(Mapped {
            guise,
            server: Arc::new(server),
            tool: mapped.tool.clone(),
            argument: mapped.argument.clone(),
            arguments: mapped.arguments.clone(),
        });
        if guise == Guise::CodeInterpreter {
            return Some(builtin);
        }
        let (kind, name, hints) = (ToolKind::WebSearch, web_search::FAMILY, worldly());
        Some(Arc::new(Governed { builtin, kind, name, hints, context: context() }))
    }
}

/// It changes nothing and brings nothing from outside.
fn harmless() -> Hints {
    Hints { read_only: Some(true), destructive: Some(false), idempotent: Some(true), open_world: Some(false) }
}

/// It changes nothing, and what it returns comes from anybody.
fn worldly() -> Hints {
    Hints { open_world: Some(true), ..harmless() }
}

fn context(app: &Arc<App>, request: &Request, untrusted: bool) -> Context {
    let caller = &request.caller;
    let headers = request
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let served = Arc::clone(app);
    let parent = Some(trace::traceparent(&request.headers, &app.seeds.next()));
    Context {
        policies: Arc::new(move || Arc::clone(&served.live.load().policies)),
        rates: Arc::clone(&app.rates),
        since: app.since,
        tenant: caller.tenant.clone(),
        caller: Arc::new(Caller {
            tenant: caller.tenant.as_str().to_owned(),
            identity: caller.identity.as_ref().clone(),
        }),
        headers: headers.collect(),
        trace: Trace { parent, state: None },
        request: request.id.clone(),
        untrusted: Arc::new(AtomicBool::new(untrusted)),
        counts: Arc::new(Mutex::new(Counts::default())),
    }
}

/// Content from the web, from files and from other people's tools: nobody vouches for it.
fn is_untrusted(item: &Item) -> bool {
    let is_code = item.kind() == "code_interpreter_call";
    is_code || matches!(item, Item::McpCall(_) | Item::WebSearchCall(_) | Item::FileSearchCall(_))
}
