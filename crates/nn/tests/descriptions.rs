//! Descriptions from outside: long, deep and damaged ones are read in a time that grows with their length, or refused.

use serde_json::{Value, json};
use taper_nn::{Model, Registry, Seed};
use taper_tensor::Tensor;

fn restored(text: &str) -> taper_nn::Result<Model> {
    Model::restore_from_text(text, &Registry::new(), [])
}

fn message(text: &str) -> String {
    restored(text).expect_err("no such model").to_string()
}

fn chain(layer: &Value, count: usize) -> String {
    let layers = vec![layer; count];
    json!({"class_name": "Sequential", "config": {"input_shape": [4], "layers": layers}})
        .to_string()
}

/// `in` → `f0` → … → the last, listed from the end: each layer waits for the one behind it in the list.
fn reversed_graph(count: usize) -> Value {
    let layer = |i: usize| {
        let from = i.checked_sub(1).map_or("in".into(), |i| format!("f{i}"));
        let name = format!("f{i}");
        json!({"class_name": "Flatten", "name": name, "config": {"name": name}, "inbound_nodes": [[[from, 0, 0]]]})
    };
    let mut layers: Vec<Value> = (0..count).rev().map(layer).collect();
    layers.push(json!({"class_name": "InputLayer", "name": "in", "config": {"shape": [4]}}));
    let (inputs, outputs) = (
        json!([["in", 0, 0]]),
        json!([[format!("f{}", count - 1), 0, 0]]),
    );
    let config = json!({"layers": layers, "input_layers": inputs, "output_layers": outputs});
    json!({"class_name": "Functional", "config": config})
}

/// With a search from the beginning for every layer, these took minutes.
#[test]
fn many_layers_are_read() {
    let flatten = json!({"class_name": "Flatten"});
    let model = restored(&chain(&flatten, 60_000)).expect("a long chain");
    assert_eq!(model.layer_names().last(), Some("flatten_59999"));
    let model = restored(&reversed_graph(20_000).to_string()).expect("a long graph");
    assert_eq!(model.layer_names().count(), 20_000);
    let again = restored(&model.config().to_string()).expect("its own description");
    assert!(again.layer_names().eq(model.layer_names()));
    assert!(model.summary().lines().count() > 20_000);
}

#[test]
fn more_than_any_model_has_is_refused() {
    let flatten = json!({"class_name": "Flatten"});
    assert!(message(&chain(&flatten, 65_537)).contains("65537 layers"));
    let axes = json!({"class_name": "Sequential", "config": {"input_shape": vec![1; 33], "layers": [flatten]}});
    assert!(message(&axes.to_string()).contains("33 axes are more than 32"));
    let shape = [vec![1; 32], vec![-1]].concat();
    let axes = json!({"class_name": "Reshape", "config": {"target_shape": shape}});
    assert!(message(&chain(&axes, 1)).contains("33 axes are more than 32"));
}

/// What a description asks for is compared with the weights that are there before anything is made of it.
#[test]
fn units_without_weights_take_no_memory() {
    let dense = |units: u64| json!({"class_name": "Dense", "config": {"units": units}});
    assert!(message(&chain(&dense(1 << 40), 1)).contains("1099511627776"));
    let text = chain(&dense(1 << 24), 1);
    assert!(message(&text).contains("dense/kernel [4, 16777216] is missing"));
    let weights = [("dense/kernel".to_owned(), Tensor::zeros([4, 2]))];
    let error = Model::restore_from_text(&text, &Registry::new(), weights).unwrap_err();
    assert!(error.to_string().contains("[4, 2] is given"), "{error}");
}

#[test]
fn text_and_value_are_read_alike() {
    let mut graph = reversed_graph(3);
    let from_value = Model::<f32>::from_config(&graph, Seed(1)).expect("a graph");
    let from_text = restored(&graph.to_string()).expect("the same graph");
    assert_eq!(from_value.config(), from_text.config());
    for text in ["", "{", "3", "null", "[]", r#"{"class_name":"Sequential"}"#] {
        assert!(message(text).starts_with("model: "), "{text}");
    }
    // Two layers of one name: which of them a call means could not be told.
    graph["config"]["layers"][0]["name"] = json!("f1");
    assert!(message(&graph.to_string()).contains("already called \"f1\""));
}
