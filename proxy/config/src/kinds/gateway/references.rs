//! The objects that the built-in tools of a gateway use: Models that make images, and tools of MCPServers.

use crds::model::ModelType;
use crds::reference::ObjectRef;
use crds::responses_gateway::{MappedTool as Asked, Tools};

use crate::compile::Scope;
use crate::diagnostics::{Problem, Reason};
use crate::id::{EntryId, ObjectId};
use crate::spec::MappedTool;

const CODE: &str = "spec.tools.codeInterpreter.mcp";
const SEARCH: &str = "spec.tools.webSearch.mcp";
const IMAGE: &str = "spec.tools.imageGeneration.modelRef";

/// Lists the arguments that are fixed and given by the model at once.
pub(super) fn check(tools: &Tools) -> Vec<Problem> {
    let code = tools.code_interpreter.as_ref().map(|asked| (&asked.mcp, CODE));
    let search = tools.web_search.as_ref().and_then(|asked| asked.mcp.as_ref()).map(|asked| (asked, SEARCH));
    let repeats = |asked: &Asked| asked.arguments.iter().any(|fixed| fixed.contains_key(&asked.argument));
    let all = code.into_iter().chain(search).filter(|(asked, _)| repeats(asked));
    all.map(|(asked, path)| {
        let message =
            format!("{:?} is given by the model: remove it here, or name another argument", asked.argument);
        Problem::invalid(format!("{path}.arguments"), message)
    })
    .collect()
}

/// The Model that `image_generation` asks; nothing where it is not set up, or cannot be asked.
pub(super) fn image_model(tools: &Tools, id: &ObjectId, scope: &mut Scope<'_>) -> Option<EntryId> {
    let model = object("Model", &tools.image_generation.as_ref()?.model_ref, id);
    reached(&model, id, (scope, IMAGE))?;
    match scope.model_type(&model) {
        Some(ModelType::Image) => Some(EntryId::of(&model)),
        Some(ModelType::Chat | ModelType::Embedding) | None => {
            let message = format!("{model} makes no images: name a Model of type Image");
            scope.unresolved(Reason::TargetNotFound, IMAGE, message);
            None
        }
    }
}

/// What runs code; nothing where it is not set up, or cannot be called.
pub(super) fn code_interpreter(
    tools: &Tools,
    id: &ObjectId,
    scope: &mut Scope<'_>,
) -> Option<Box<MappedTool>> {
    mapped(&tools.code_interpreter.as_ref()?.mcp, id, (scope, CODE)).map(Box::new)
}

/// What searches the web in the place of a search engine.
pub(super) fn search(asked: &Asked, id: &ObjectId, scope: &mut Scope<'_>) -> Option<MappedTool> {
    mapped(asked, id, (scope, SEARCH))
}

fn mapped(asked: &Asked, id: &ObjectId, (scope, path): (&mut Scope<'_>, &str)) -> Option<MappedTool> {
    let server = object("MCPServer", &asked.server_ref, id);
    reached(&server, id, (scope, &format!("{path}.serverRef")))?;
    Some(MappedTool {
        server: EntryId::of(&server),
        tool: asked.tool.clone(),
        argument: asked.argument.clone(),
        arguments: asked.arguments.clone().unwrap_or_default(),
    })
}

fn object(kind: &str, reference: &ObjectRef, id: &ObjectId) -> ObjectId {
    ObjectId::new(kind, reference.namespace.as_ref().unwrap_or(&id.namespace), &reference.name)
}

fn reached(object: &ObjectId, id: &ObjectId, (scope, path): (&mut Scope<'_>, &str)) -> Option<()> {
    let reason = match scope.reach(object, id) {
        Ok(()) => return Some(()),
        Err(Reason::RefNotPermitted) => Reason::RefNotPermitted,
        Err(_) => Reason::TargetNotFound,
    };
    let message = format!(
        "{object} is missing, not accepted, or not open to this gateway: create or mend it, or correct the reference"
    );
    scope.unresolved(reason, path, message);
    None
}
