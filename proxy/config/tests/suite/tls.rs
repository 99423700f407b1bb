//! What TLS connections are checked by.

use config::spec::{Authorities, Tls};
use config::{Degraded, Diagnostics, Reason};

use crate::kit::{Process, placed};

const PEM: &str = "-----BEGIN CERTIFICATE-----\\nMAA=\\n-----END CERTIFICATE-----\\n";
const OTHER: &str = "-----BEGIN CERTIFICATE-----\\nMAA=\\n-----END CERTIFICATE-----\\n# renewed\\n";
const OWN: &str = "tls: {caBundleRef: {name: ca, key: ca.crt}}";
const FOREIGN: &str = "tls: {caBundleRef: {name: ca, key: ca.crt, namespace: vault}}";

fn server(tls: &str) -> String {
    placed("MCPServer default/s", &format!("endpoint: {{url: 'https://mcp.example.com/mcp'}}, {tls}"))
}

fn provider(tls: &str) -> String {
    placed("ModelProvider default/p", &format!("type: OpenAI, baseURL: 'https://p.example.com/v1', {tls}"))
}

fn bundle(namespace: &str, key: &str, text: &str) -> String {
    let metadata = format!("{{name: ca, namespace: {namespace}}}");
    format!("---\n{{apiVersion: v1, kind: ConfigMap, metadata: {metadata}, data: {{{key}: \"{text}\"}}}}\n")
}

fn tls<'a>(process: &'a Process, entry: &str) -> &'a Tls {
    process.at("default/default", entry).and_then(|spec| spec.tls()).expect("a server")
}

fn both(process: &Process) -> [&Authorities; 2] {
    ["mcp/default/s", "provider/default/p"].map(|entry| &tls(process, entry).authorities)
}

fn reasons(about: &Diagnostics) -> Vec<Reason> {
    about.problems.iter().map(|problem| problem.reason).collect()
}

#[test]
fn without_a_word_the_system_decides() {
    let process = Process::of(&format!("{}{}", server(""), provider("")));
    assert_eq!(both(&process), [&Authorities::System; 2]);
    let named = Process::of(&server("tls: {serverName: inside.example.com}"));
    let spec = tls(&named, "mcp/default/s");
    assert_eq!(
        (&spec.authorities, spec.server_name.as_deref()),
        (&Authorities::System, Some("inside.example.com"))
    );
}

#[test]
fn a_bundle_comes_from_a_config_map_and_its_renewal_is_another_content() {
    let yaml = |pem: &str| format!("{}{}{}", server(OWN), provider(OWN), bundle("default", "ca.crt", pem));
    let mut process = Process::of(&yaml(PEM));
    for found in both(&process) {
        assert!(matches!(found, Authorities::Bundle(pem) if pem.contains("MAA=")), "{found:?}");
    }
    let before = process.snapshot().hash;
    process.apply(&yaml(OTHER));
    assert_ne!(process.snapshot().hash, before);
    for found in both(&process) {
        assert!(matches!(found, Authorities::Bundle(pem) if pem.contains("renewed")), "{found:?}");
    }
}

#[test]
fn a_bundle_that_cannot_be_had_is_told_and_nobody_is_trusted() {
    for (more, reason) in [
        (String::new(), Reason::ConfigMapNotFound),
        (bundle("default", "other", PEM), Reason::ConfigMapKeyNotFound),
        (bundle("default", "ca.crt", "not a certificate"), Reason::InvalidConfigMap),
        (bundle("vault", "ca.crt", PEM), Reason::ConfigMapNotFound),
    ] {
        let process = Process::of(&format!("{}{}{more}", server(OWN), provider(OWN)));
        assert_eq!(both(&process), [&Authorities::Missing; 2], "{reason:?}");
        for object in ["MCPServer default/s", "ModelProvider default/p"] {
            let about = process.of_object(object);
            assert_eq!(reasons(about), [reason], "{object}");
            assert_eq!(about.problems[0].path, "spec.tls.caBundleRef");
        }
    }
}

#[test]
fn the_last_bundle_stays_where_the_present_one_is_bad() {
    let mut process = Process::of(&format!("{}{}", server(OWN), bundle("default", "ca.crt", PEM)));
    for bad in [String::new(), bundle("default", "ca.crt", "")] {
        process.apply(&format!("{}{bad}", server(OWN)));
        assert!(matches!(&tls(&process, "mcp/default/s").authorities, Authorities::Bundle(_)));
        let about = process.of_object("MCPServer default/s");
        assert_eq!(about.degraded, Some(Degraded::ServingLastGood));
        assert_eq!(about.problems.len(), 1);
    }
}

#[test]
fn a_config_map_of_another_namespace_needs_a_grant_at_all_times() {
    let grant = "---\n{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {name: g, namespace: vault}, \
        spec: {from: [{group: fairlead.dev, kind: MCPServer, namespace: default}], to: [{group: '', kind: ConfigMap}]}}\n";
    let yaml = |grant: &str| format!("{}{}{grant}", server(FOREIGN), bundle("vault", "ca.crt", PEM));
    let mut process = Process::of(&yaml(""));
    assert_eq!(reasons(process.of_object("MCPServer default/s")), [Reason::RefNotPermitted]);
    process.apply(&yaml(grant));
    assert!(matches!(&tls(&process, "mcp/default/s").authorities, Authorities::Bundle(_)));
    process.apply(&yaml(""));
    assert_eq!(tls(&process, "mcp/default/s").authorities, Authorities::Missing, "taken back with the grant");
}
