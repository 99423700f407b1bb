use config::manifest::Source;

use crate::kit::{Process, model, provider};

fn source(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

fn errors(sources: &[Source]) -> Vec<String> {
    let errors = Process::with_env(&[]).load(sources).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn a_syntax_error_anywhere_changes_nothing() {
    let mut process = Process::of(&provider("p", ""));
    let before = process.snapshot().clone();
    let errors =
        process.load(&[source("a.yaml", &provider("q", "")), source("b.yaml", "a: [\n")]).unwrap_err();
    assert_eq!((errors.len(), errors[0].file.as_str()), (1, "b.yaml"));
    assert_eq!(*process.snapshot(), before);
}

#[test]
fn what_is_no_object_is_an_error_with_its_line() {
    let found = errors(&[source("a.yaml", "a: 1\n---\nkind: Model\nmetadata: {}\n")]);
    let message = "not an object: kind and metadata.name are required";
    assert_eq!(found, [format!("a.yaml:1: {message}"), format!("a.yaml:3: {message}")]);
}

#[test]
fn a_broken_rule_is_named_with_file_line_object_and_field() {
    let yaml = "apiVersion: fairlead.dev/v1alpha1\nkind: ModelProvider\nmetadata:\n  name: p\n  namespace: team\nspec:\n  type: OpenAI\n  baseURL: ftp://x\n  retryBudget: 5\n";
    let mut process = Process::with_env(&[]);
    process.load(&[source("conf/p.yaml", yaml)]).unwrap();
    assert_eq!(process.findings(), ["conf/p.yaml:9: ModelProvider team/p: spec.retryBudget: unknown field"]);
    process.load(&[source("conf/p.yaml", &yaml.replace("  retryBudget: 5\n", ""))]).unwrap();
    let expected = "conf/p.yaml:8: ModelProvider team/p: spec.baseURL: baseURL must be an http(s) URL without user info or query";
    assert_eq!(process.findings(), [expected]);
}

#[test]
fn a_bad_object_does_not_take_a_good_one_down() {
    let yaml = provider("p", "") + &model("m", "p", "") + &model("bad", "p", "type: Song");
    let process = Process::of(&yaml);
    assert!(process.model("m").is_some() && process.model("bad").is_none());
    assert_eq!(process.findings().len(), 1);
}

#[test]
fn an_unknown_kind_or_version_is_isolated() {
    let yaml = provider("p", "") + &model("m", "p", "").replace("kind: Model", "kind: Modell");
    let process = Process::of(&yaml);
    assert_eq!(process.findings(), ["a.yaml:4: Modell default/m: kind: unknown kind \"Modell\""]);
    let process = Process::of(&provider("p", "").replace("v1alpha1", "v9"));
    assert_eq!(
        process.findings(),
        ["a.yaml:2: ModelProvider default/p: apiVersion: must be fairlead.dev/v1alpha1"]
    );
}

#[test]
fn the_first_of_two_objects_with_one_id_counts() {
    let mut process = Process::with_env(&[]);
    let (one, two) = (provider("p", "retryBudgetPercent: 1"), provider("p", "retryBudgetPercent: 2"));
    process.load(&[source("b.yaml", &two), source("a.yaml", &one)]).unwrap();
    assert_eq!(process.provider("p").unwrap().retry_budget_percent, 1);
    assert_eq!(
        process.findings(),
        ["b.yaml:2: ModelProvider default/p: stands already at a.yaml:2, which counts"]
    );
}

#[test]
fn namespaces_and_config_maps_may_stand_beside() {
    let beside = "---\n{apiVersion: v1, kind: Namespace, metadata: {name: team}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: b}}\n";
    let process = Process::of(&(provider("p", "") + beside));
    assert_eq!(process.findings(), Vec::<String>::new());
    assert_eq!(process.snapshot().entries.len(), 2);
}

#[test]
fn what_a_cluster_adds_to_an_object_is_accepted() {
    let exported = provider("p", "")
        .replace("name: p}", "name: p, uid: u, generation: 4, managedFields: []}, status: {x: 1}");
    let process = Process::of(&exported);
    assert_eq!(process.findings(), Vec::<String>::new());
    assert_eq!(process.about("ModelProvider", "p").generation, 4);
}

#[test]
fn the_environment_is_read_in_secrets_only() {
    let mut process = Process::with_env(&[("KEY", "sk-1")]);
    process.apply(&(provider("p", "headers: [{name: x, value: '${env:KEY}'}]")));
    assert_eq!(process.provider("p").unwrap().headers["x"], "${env:KEY}");
}

#[test]
fn an_unset_variable_is_named() {
    let secret = crate::kit::secret("k", "apiKey", "${env:NONE}");
    let process =
        Process::of(&(provider("p", "auth: {apiKey: {secretRef: {name: k, key: apiKey}}}") + &secret));
    let expected = "a.yaml:4: Secret default/k: stringData.apiKey: environment variable NONE is not set";
    assert!(process.findings().contains(&expected.to_owned()), "{:?}", process.findings());
}

#[test]
fn what_was_read_prints_without_secrets() {
    let yaml = provider("p", "") + &crate::kit::secret("k", "apiKey", "sk-literal");
    let process = Process::of(&yaml);
    let printed = format!("{:?} {:?}", process.loaded, source("a.yaml", &yaml));
    assert!(printed.contains("ModelProvider") && !printed.contains("sk-literal"), "{printed}");
}

#[test]
fn what_an_operator_alone_obeys_is_a_warning_with_its_line_and_no_problem() {
    let process = Process::of(
        "apiVersion: fairlead.dev/v1alpha1\nkind: ResponsesGateway\nmetadata: {name: main}\nspec:\n  \
         authentication: {mode: Required, methods: [APIKey]}\n  infrastructure:\n    mode: External\n    \
         serviceAccounts: [{name: proxy}]\n",
    );
    let warnings: Vec<_> = process.loaded.warnings().iter().map(ToString::to_string).collect();
    let expected = "a.yaml:6: ResponsesGateway default/main: spec.infrastructure: has no effect here: it is for an operator in a cluster";
    assert_eq!(warnings, [expected]);
    assert!(process.findings().is_empty(), "{:?}", process.findings());
}
