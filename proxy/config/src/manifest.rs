//! File mode: the same objects as in a cluster, read from YAML.

mod secret;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::builtin;
use crate::compile::Compiled;
use crate::diagnostics::Problem;
use crate::grant::Grant;
use crate::id::ObjectId;
use crate::read::Schemas;
use crate::world::World;
use yaml::{Document, Lines};

/// One file of YAML documents. Prints as its path alone, since the text may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path, for messages.
    pub path: String,
    /// Its content.
    pub text: String,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

/// How `${env:NAME}` and `${file:PATH}` are found, and the keys of built-in providers.
#[derive(Clone, Copy)]
pub struct Lookups<'a> {
    /// Returns the value of an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Returns the content of a file.
    pub file: &'a dyn Fn(&str) -> Option<String>,
}

/// What all sources together say.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// What is to be compiled.
    pub world: World,
    /// Problems of objects that are not compiled, such as Secrets.
    findings: Vec<Finding>,
    /// What is right and has no effect.
    warnings: Vec<Finding>,
    /// Where each object stands.
    places: BTreeMap<ObjectId, Place>,
}

/// One thing that is wrong in a file. Prints as `file:line: Kind namespace/name: path: message`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path of the file.
    pub file: String,
    /// Line, counted from 1; 0 = unknown.
    pub line: u64,
    /// The object; absent where the file cannot be read as objects.
    pub object: Option<ObjectId>,
    /// What is wrong.
    pub problem: Problem,
}

#[derive(Clone, Debug)]
struct Place {
    file: String,
    lines: Lines,
}

/// Reads all sources as one transaction. Where they name no ModelProvider at all, the built-in table is added.
///
/// Shape: sources in any order; the first of two objects with one id counts, in the order of paths. Namespaces default to
/// `default`. An object that breaks a rule is isolated: it is part of the world, as invalid.
/// Errors: everything that is no YAML, or no object with a kind and a name; the caller then keeps what it has.
pub fn load(
    sources: &[Source],
    lookups: Lookups<'_>,
    schemas: &Schemas,
    last: &Compiled,
) -> Result<Loaded, Vec<Finding>> {
    let mut sources: Vec<_> = sources.iter().collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    let mut reader = Reader { lookups, schemas, last, loaded: Loaded::default(), errors: Vec::new() };
    sources.into_iter().for_each(|source| reader.source(source));
    let Reader { mut loaded, errors, .. } = reader;
    if !errors.is_empty() {
        return Err(errors);
    }
    builtin::complete(&mut loaded.world, lookups.env, schemas, last);
    Ok(loaded)
}

/// Collects what the sources say.
struct Reader<'a> {
    lookups: Lookups<'a>,
    schemas: &'a Schemas,
    last: &'a Compiled,
    loaded: Loaded,
    errors: Vec<Finding>,
}

impl Reader<'_> {
    fn source(&mut self, source: &Source) {
        match yaml::documents(&source.text) {
            Ok(documents) => {
                for Document { value, lines } in documents {
                    self.document(&value, Place { file: source.path.clone(), lines });
                }
            }
            Err((line, message)) => {
                self.errors.push(Finding::new((&source.path, line), None, Problem::invalid("", message)));
            }
        }
    }

    fn document(&mut self, document: &Value, place: Place) {
        let Some(id) = identity(document) else {
            let problem = Problem::invalid("", "not an object: kind and metadata.name are required");
            self.errors.push(Finding::new((&place.file, place.lines.of("")), None, problem));
            return;
        };
        if let Some(first) = self.loaded.places.get(&id) {
            let message = format!("stands already at {}:{}, which counts", first.file, first.lines.of(""));
            self.loaded.findings.push(place.finding(&id, Problem::invalid("", message)));
            return;
        }
        self.object(&id, document, &place);
        self.loaded.warnings.extend(idle(&id, document).map(|problem| place.finding(&id, problem)));
        self.loaded.places.insert(id, place);
    }

    fn object(&mut self, id: &ObjectId, document: &Value, place: &Place) {
        match id.kind.as_str() {
            "Secret" => {
                let (values, problems) = secret::read(document, self.lookups);
                self.loaded.findings.extend(problems.into_iter().map(|problem| place.finding(id, problem)));
                self.loaded.world.secrets.insert(id.clone(), values);
            }
            "Namespace" => {
                self.loaded.world.namespaces.insert(id.name.clone(), labels(document));
            }
            "ReferenceGrant" => match Grant::read(&id.namespace, document) {
                Ok(grant) => self.loaded.world.grants.push(grant),
                Err(problem) => self.loaded.findings.push(place.finding(id, problem)),
            },
            "ConfigMap" => {}
            _ => {
                let object = self.schemas.object(id.clone(), document, self.last);
                self.loaded.world.objects.push(Arc::new(object));
            }
        }
    }
}

impl Loaded {
    /// Lists what is right and has no effect where configuration comes from files, with file and line.
    #[must_use]
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// Lists everything that is wrong, with file and line: what reading found and what compiling found.
    #[must_use]
    pub fn findings(&self, compiled: &Compiled) -> Vec<Finding> {
        let compiled = compiled.diagnostics.iter().flat_map(|(id, about)| {
            about.problems.iter().map(move |problem| match self.places.get(id) {
                Some(place) => place.finding(id, problem.clone()),
                None => Finding::new(("built-in", 0), Some(id.clone()), problem.clone()),
            })
        });
        let mut findings: Vec<_> = self.findings.iter().cloned().chain(compiled).collect();
        findings.sort();
        findings
    }
}

/// Lists the fields that an operator alone obeys.
fn idle(id: &ObjectId, document: &Value) -> impl Iterator<Item = Problem> {
    let fields = match id.kind.as_str() {
        "ResponsesGateway" => ["infrastructure", "configDelivery"].as_slice(),
        _ => &[],
    };
    let given = fields.iter().filter(|field| document["spec"].get(field).is_some()).collect::<Vec<_>>();
    let message = "has no effect here: it is for an operator in a cluster";
    given.into_iter().map(move |field| Problem::invalid(format!("spec.{field}"), message))
}

/// Names the object that a document describes; absent if it has no kind or no name.
fn identity(document: &Value) -> Option<ObjectId> {
    let (kind, metadata) = (document["kind"].as_str()?, &document["metadata"]);
    let namespace = match kind {
        "Namespace" => "",
        _ => metadata["namespace"].as_str().unwrap_or("default"),
    };
    Some(ObjectId::new(kind, namespace, metadata["name"].as_str()?))
}

fn labels(document: &Value) -> BTreeMap<String, String> {
    let labels = document["metadata"]["labels"].as_object().into_iter().flatten();
    labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

impl Place {
    fn finding(&self, id: &ObjectId, problem: Problem) -> Finding {
        let line = self.lines.of(&problem.path);
        Finding::new((&self.file, line), Some(id.clone()), problem)
    }
}

impl Finding {
    fn new((file, line): (&str, u64), object: Option<ObjectId>, problem: Problem) -> Self {
        Self { file: file.to_owned(), line, object, problem }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        write!(f, "{}", self.problem)
    }
}
