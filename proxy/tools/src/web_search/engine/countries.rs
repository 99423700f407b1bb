//! Countries as Tavily names them.

/// Codes (ISO 3166-1) and names; what is not here is not sent.
const NAMES: &str = "AE united arab emirates;AF afghanistan;AL albania;AM armenia;AO angola;AR argentina;AT austria;\
AU australia;AZ azerbaijan;BA bosnia and herzegovina;BD bangladesh;BE belgium;BG bulgaria;BH bahrain;BO bolivia;BR brazil;\
BY belarus;CA canada;CH switzerland;CL chile;CM cameroon;CN china;CO colombia;CR costa rica;CU cuba;CY cyprus;\
CZ czech republic;DE germany;DK denmark;DO dominican republic;DZ algeria;EC ecuador;EE estonia;EG egypt;ES spain;ET ethiopia;\
FI finland;FR france;GB united kingdom;GE georgia;GH ghana;GR greece;GT guatemala;HN honduras;HR croatia;HT haiti;HU hungary;\
ID indonesia;IE ireland;IL israel;IN india;IQ iraq;IR iran;IS iceland;IT italy;JM jamaica;JO jordan;JP japan;KE kenya;\
KH cambodia;KR south korea;KW kuwait;KZ kazakhstan;LB lebanon;LK sri lanka;LT lithuania;LU luxembourg;LV latvia;LY libya;\
MA morocco;MD moldova;ME montenegro;MK north macedonia;MT malta;MX mexico;MY malaysia;NG nigeria;NI nicaragua;NL netherlands;\
NO norway;NP nepal;NZ new zealand;OM oman;PA panama;PE peru;PH philippines;PK pakistan;PL poland;PT portugal;PY paraguay;\
QA qatar;RO romania;RS serbia;RU russia;RW rwanda;SA saudi arabia;SD sudan;SE sweden;SG singapore;SI slovenia;SK slovakia;\
SN senegal;SV el salvador;SY syria;TH thailand;TN tunisia;TR turkey;TW taiwan;TZ tanzania;UA ukraine;UG uganda;\
US united states;UY uruguay;UZ uzbekistan;VE venezuela;VN vietnam;YE yemen;ZA south africa;ZM zambia;ZW zimbabwe";

/// The name of a country by its code.
pub(super) fn name(code: &str) -> Option<&'static str> {
    NAMES
        .split(';')
        .filter_map(|entry| entry.split_once(' '))
        .find_map(|(known, name)| (known == code).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_has_a_name() {
        assert_eq!(
            (name("DE"), name("CH"), name("ZW")),
            (Some("germany"), Some("switzerland"), Some("zimbabwe"))
        );
        assert_eq!((name("XX"), name("")), (None, None));
    }
}
