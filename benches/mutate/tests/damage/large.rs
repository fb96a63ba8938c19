//! Files that are small in bytes and large in what they ask for: very many layers, tensors, keys, seeds. What grows with
//! the square of their number would be read for minutes.

use crate::{Report, measured, watched};
use taper_mutate::targets;

#[test]
fn files_that_ask_for_much_are_read_or_refused() {
    let failures = watched("large", |tell| {
        let mut failures = Vec::new();
        for (name, what, contents) in cases() {
            let target = targets::all()
                .into_iter()
                .find(|target| target.name == name);
            let target = target.expect("a target of the list");
            let file = (target.seal)(&contents);
            (target.seeds)()
                .iter()
                .for_each(|seed| (target.read)(&(target.seal)(seed)));
            let reading = measured(&target, &file);
            let _ = tell.send(Report::Going);
            let (length, bytes, time) = (file.len(), reading.bytes, reading.time);
            let line = format!("{name}: {what}: {length} bytes took {bytes} and {time:?}");
            println!("{line}");
            failures.extend(reading.fault.map(|fault| format!("{line}: {fault}")));
        }
        failures
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Deflate packs a thousand zeros into a byte, and the header of an IDX file may ask for them.
#[test]
fn blank_images_in_gzip_are_read_or_refused() {
    let failures = watched("blank", |tell| {
        let mut images = vec![0; 16 + 100 * 1_000 * 1_000];
        images[..16].copy_from_slice(&[0, 0, 8, 3, 0, 0, 0, 100, 0, 0, 3, 232, 0, 0, 3, 232]);
        let target = targets::all()
            .into_iter()
            .find(|target| target.name == "idx_in_gzip");
        let target = target.expect("a target of the list");
        let file = (target.seal)(&images);
        drop(images);
        let reading = measured(&target, &file);
        let _ = tell.send(Report::Going);
        let line = format!("{} bytes took {}", file.len(), reading.bytes);
        println!("{line}");
        reading
            .fault
            .map(|fault| format!("{line}: {fault}"))
            .into_iter()
            .collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Target, what is much, and the file (without its seal).
fn cases() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let payload = |what, count: usize, shape: &[u8], notes| {
        ("checkpoint_payload", what, checkpoint(count, shape, notes))
    };
    let result = |row: &str| {
        let rows = format!("{row},").repeat(300_000);
        format!(r#"{{"parameters":1,"network":"","mistakes":[],"confusion":[{rows}{row}]}}"#)
    };
    let texts = [
        (
            "description",
            "layers",
            chain(r#"{"class_name":"Flatten"}"#, 60_000),
        ),
        (
            "description",
            "activations",
            chain(
                r#"{"class_name":"Activation","config":{"activation":"relu"}}"#,
                60_000,
            ),
        ),
        (
            "description",
            "layers with weights",
            chain(r#"{"class_name":"Dense","config":{"units":4}}"#, 60_000),
        ),
        (
            "description",
            "more layers than allowed",
            chain(r#"{"class_name":"Flatten"}"#, 200_000),
        ),
        ("description", "calls", graph(30_000, false)),
        ("description", "calls from the end", graph(30_000, true)),
        (
            "description",
            "units",
            chain(
                r#"{"class_name":"Dense","config":{"units":1099511627776}}"#,
                2,
            ),
        ),
        ("description", "zeros", list("0", 1_000_000)),
        ("description", "objects", list(r#"{"":0}"#, 500_000)),
        (
            "description",
            "axes",
            format!(
                r#"{{"class_name":"Sequential","config":{{"input_shape":{},"layers":{}}}}}"#,
                list("1", 100_000),
                list(
                    r#"{"class_name":"Activation","config":{"activation":"relu"}}"#,
                    20_000
                )
            ),
        ),
        (
            "history",
            "epochs",
            (0..20_000).map(|i| epoch(i, "")).collect(),
        ),
        (
            "history",
            "metrics",
            epoch(
                1,
                &(0..200_000)
                    .map(|i| format!("\"{i}\":0,"))
                    .collect::<String>(),
            ),
        ),
        ("result", "empty rows", result("[]")),
        ("result", "short rows", result("[1]")),
        (
            "summary",
            "classes",
            format!(
                r#"{{"environment":{{"version":"","cpu":"","system":"","instruction_set":"","threads":1,"jobs":1,"started":"","dataset":"","digest":null,"train_images":1,"test_images":1,"peak_memory":null,"classes":{}}}}}"#,
                list("\"\"", 1_000_000)
            ),
        ),
        ("study", "zeros", format!("a={}", list("0", 60_000))),
        (
            "study",
            "keys",
            (0..10_000).map(|i| format!("a{i}=0\n")).collect(),
        ),
        ("study", "dots", format!("{}a=1", "a.".repeat(60_000))),
        (
            "study",
            "dots in a header",
            format!("[{}a]\nb=1", "a.".repeat(60_000)),
        ),
        ("study", "brackets", format!("a={}", "[".repeat(100_000))),
        ("study", "layers", study(1_000, 100, 1, "")),
        ("study", "more layers than allowed", study(6_000, 1, 1, "")),
        ("study", "variants", study(1, 10_000, 1, "")),
        ("study", "layers and variants", study(1_000, 1_000, 1, "")),
        ("study", "seeds and variants", study(1, 5_000, 10_000, "")),
        (
            "study",
            "options",
            study(
                1_000,
                10,
                1,
                &(0..5_000).map(|i| format!("a{i}=0,")).collect::<String>(),
            ),
        ),
        (
            "study",
            "zeros in options",
            study(1_000, 1, 1, &format!("a={},", list("0", 450))),
        ),
        ("study", "bytes", format!("# {}", "a".repeat(10_000_000))),
    ];
    let texts = texts.map(|(name, what, text)| (name, what, text.into_bytes()));
    let binary = [
        payload("scalars", 200_000, &[], 0),
        payload("empty tensors", 200_000, &[0], 0),
        payload("axes", 40_000, &[1; 32], 0),
        payload("tensors that are allowed", 14_000, &[2], 0),
        payload("notes", 1, &[], 400_000),
    ];
    texts.into_iter().chain(binary).collect()
}

fn list(item: &str, count: usize) -> String {
    format!("[{}{item}]", format!("{item},").repeat(count - 1))
}

fn chain(layer: &str, count: usize) -> String {
    let layers = list(layer, count);
    format!(r#"{{"class_name":"Sequential","config":{{"input_shape":[4],"layers":{layers}}}}}"#)
}

/// A chain that is described as a graph, first or last layer first.
fn graph(count: usize, reversed: bool) -> String {
    let layer = |i: usize| {
        let from = i.checked_sub(1).map_or("in".into(), |i| format!("f{i}"));
        format!(
            r#"{{"class_name":"Flatten","name":"f{i}","config":{{"name":"f{i}"}},"inbound_nodes":[[["{from}",0,0]]]}}"#
        )
    };
    let mut layers: Vec<String> = (0..count).map(layer).collect();
    if reversed {
        layers.reverse();
    }
    let (layers, last) = (layers.join(","), count - 1);
    let input = r#"{"class_name":"InputLayer","config":{"shape":[4]},"name":"in"}"#;
    format!(
        r#"{{"class_name":"Functional","config":{{"layers":[{input},{layers}],"input_layers":[["in",0,0]],"output_layers":[["f{last}",0,0]]}}}}"#
    )
}

fn epoch(number: usize, metrics: &str) -> String {
    let line = r#""loss":1,"accuracy":1,"cross_entropy":1,"penalty":0,"val_loss":null,"val_accuracy":null,"val_cross_entropy":null,"end_penalty":0,"train_accuracy":null,"train_cross_entropy":null,"learning_rate":1,"seconds":1,"images_per_second":1"#;
    format!("{{\"epoch\":{number},{metrics}{line}}}\n")
}

fn study(layers: usize, variants: usize, seeds: usize, set: &str) -> String {
    let layers = list(r#"{layer="Flatten",regularize=true}"#, layers);
    let variant = |i| match set {
        "" => format!("v{i}={{}}\n"),
        set => format!("v{i}={{set={{{}}}}}\n", set.trim_end_matches(',')),
    };
    let variants: String = (0..variants).map(variant).collect();
    let seeds: Vec<String> = (0..seeds).map(|i| i.to_string()).collect();
    let head =
        "name=\"a\"\ndataset=\"mnist\"\nloss=\"categorical_crossentropy\"\nepochs=1\nbatch_size=1";
    let optimizer = "optimizer={class_name=\"SGD\"}";
    let network = format!("network={{input_shape=[4],layers={layers}}}");
    format!(
        "{head}\nseeds=[{}]\n{optimizer}\n{network}\n[variants]\n{variants}",
        seeds.join(",")
    )
}

/// A payload of tensors of one shape and of notes; integers are written as bincode writes them.
fn checkpoint(count: usize, shape: &[u8], notes: usize) -> Vec<u8> {
    let number = |n: usize| match n {
        0..251 => vec![n as u8],
        _ => [&[0xfd][..], &(n as u64).to_le_bytes()].concat(),
    };
    let text = |text: String| [&[text.len() as u8], text.as_bytes()].concat();
    let bytes = 4 * shape.iter().map(|&n| usize::from(n)).product::<usize>();
    let mut payload = [vec![0], number(count)].concat();
    for i in 0..count {
        payload.extend(text(format!("{i:x}")));
        payload.extend([0, shape.len() as u8]);
        payload.extend(shape);
        payload.push(bytes as u8);
        payload.extend(vec![0; bytes]);
    }
    payload.extend([0, 0, 0]);
    payload.extend(number(notes));
    for i in 0..notes {
        payload.extend(text(format!("{i:06}")));
        payload.push(0);
    }
    payload
}
