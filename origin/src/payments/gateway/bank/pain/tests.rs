//! The file's sums, and the file itself against the official schemas.

use super::*;
use std::io::Write as _;
use std::process::{Command, Stdio};

fn message(version: Version, all: &[(i64, &str)]) -> Message {
    Message {
        version,
        id: "pot-0000000000a".into(),
        made: Millis(1_795_000_000_123),
        debtor: Debtor {
            name: "Selvedge & \"Sons\" <Ltd>".into(),
            iban: "NL91ABNA0417164300".into(),
            bic: None,
        },
        transfers: all
            .iter()
            .zip(0..)
            .map(|((amount, code), n)| Transfer {
                end_to_end: format!("pot-0000000000{n}"),
                amount: *amount,
                currency: Currency::of(code).unwrap(),
                creditor: Creditor {
                    iban: "DE89370400440532013000".into(),
                    name: "Änne O'Nym".into(),
                    bic: (n % 2 == 0).then(|| "COBADEFFXXX".into()),
                },
            })
            .collect(),
    }
}

#[test]
fn p8_amounts_and_control_sums_are_exact_decimals() {
    assert_eq!(decimal(12_345, 2), "123.45");
    assert_eq!(decimal(5, 3), "0.005");
    assert_eq!(decimal(7, 0), "7");
    assert_eq!(decimal(9_007_199_254_740_991, 2), "90071992547409.91");
    let sum = |all: &[(i64, &str)]| message(Version::Three, all).control_sum();
    assert_eq!(sum(&[(10, "EUR"), (20, "EUR"), (70, "EUR")]), "1.00");
    assert_eq!(sum(&[(5, "JPY")]), "5");
    assert_eq!(sum(&[(5, "KWD")]), "0.005");
    let most = 9_007_199_254_740_991;
    assert_eq!(sum(&[(most, "EUR"), (most, "EUR")]), "180143985094819.82");
}

/// Reads the schemas that the package `sepaxml` brings, and the file by `xmlschema`.
const VALIDATE: &str = "\
import io, os, sys, sepaxml, xmlschema
name = os.path.join(os.path.dirname(sepaxml.__file__), 'schemas', sys.argv[1] + '.xsd')
found = xmlschema.XMLSchema(name).to_dict(io.BytesIO(sys.stdin.buffer.read()))
head = found['CstmrCdtTrfInitn']['GrpHdr']
print(head['NbOfTxs'], head['CtrlSum'])
";

/// `scripts/setup schemas` brings the schemas and a validator that is not ours.
#[test]
fn p8_the_file_is_valid_by_the_official_schema() {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/python/bin/python");
    let known = Command::new(python).args(["-c", "import sepaxml, xmlschema"]).output();
    if !known.is_ok_and(|known| known.status.success()) {
        eprintln!("skipped: {python} has no sepaxml or no xmlschema");
        return;
    }
    for (version, schema) in
        [(Version::Three, "pain.001.001.03"), (Version::Nine, "pain.001.001.09")]
    {
        for (all, wanted) in [
            (&[(12_345, "EUR"), (1, "EUR")][..], "2 123.46"),
            (&[(5, "KWD")][..], "1 0.005"),
            (&[(90_071_992_547_409, "JPY")][..], "1 90071992547409"),
        ] {
            let mut child = Command::new(python)
                .args(["-c", VALIDATE, schema])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let xml = message(version, all).to_xml();
            child.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
            let said = child.wait_with_output().unwrap();
            let (out, error) =
                (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
            assert!(said.status.success(), "{schema}: {error}\n{xml}");
            assert_eq!(out.trim(), wanted, "{schema}");
        }
    }
}
