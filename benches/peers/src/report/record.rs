//! The records: Markdown to be read, JSON to be compared.

use serde_json::{Map, Value, json};

use super::{Report, Row, Table, machine};
use crate::runner::Contender;

/// The whole suite.
pub(super) fn markdown(report: &Report, rows: &[&Contender]) -> String {
    let mut parts = vec![
        format!("# Peers: {}", report.name),
        report.about.to_owned(),
        format!(
            "Medians of {} rounds in which the stacks took turns (least–most). The last column is the median of the \
             ratios within each round.",
            report.rounds
        ),
    ];
    for table in report.tables.iter().filter(|table| !table.rows.is_empty()) {
        parts.push(format!("## {}", table.title));
        parts.push(table.markdown().trim_end().to_owned());
    }
    let about = |contender: &&Contender| format!("* `{}`: {}", contender.name, contender.about);
    parts.push("## Stacks".to_owned());
    parts.push(rows.iter().map(about).collect::<Vec<_>>().join("\n"));
    parts.push("## Measured with".to_owned());
    parts.push(format!(
        "* `{}`\n* srudp at commit {}\n* {}\n* {}\n* {}",
        machine::command_line(),
        machine::commit(),
        machine::versions(rows).join(", "),
        machine::kernel(),
        machine::processor()
    ));
    parts.join("\n\n") + "\n"
}

/// The same with every round.
pub(super) fn json(report: &Report, rows: &[&Contender]) -> String {
    let record = json!({
        "suite": report.name,
        "rounds": report.rounds,
        "command": machine::command_line(),
        "commit": machine::commit(),
        "versions": machine::versions(rows),
        "kernel": machine::kernel(),
        "processor": machine::processor(),
        "tables": report.tables.iter().map(table).collect::<Vec<_>>(),
    });
    format!("{record:#}\n")
}

fn table(table: &Table) -> Value {
    let row = |row: &Row| {
        let mut object = Map::new();
        object.insert("stack".to_owned(), row.name.into());
        for &metric in table.metrics {
            let spread = row.spread(metric);
            let values = row.rounds.iter().map(|round| round.as_ref().ok()?.get(metric));
            let value = json!({
                "median": spread.map(|spread| spread.median),
                "rounds": values.collect::<Vec<_>>(),
            });
            object.insert(metric.key().to_owned(), value);
        }
        object.insert("ratio".to_owned(), json!(table.ratio(row)));
        let failures: Vec<_> = row.rounds.iter().filter_map(|round| round.as_ref().err()).collect();
        object.insert("failures".to_owned(), json!(failures));
        Value::Object(object)
    };
    json!({ "title": table.title, "rows": table.rows.iter().map(row).collect::<Vec<_>>() })
}
