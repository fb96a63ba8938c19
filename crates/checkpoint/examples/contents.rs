//! Says what is in a checkpoint, without the program that wrote it, its layers or its data:
//! `cargo run -p taper-checkpoint --example contents -- fixtures/golden/checkpoint-v1.taper`

use taper_checkpoint::Checkpoint;

fn main() {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: contents CHECKPOINT");
        std::process::exit(2);
    };
    match Checkpoint::load(path) {
        Ok(checkpoint) => print(&checkpoint),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}

fn print(checkpoint: &Checkpoint) {
    println!("architecture  {}", checkpoint.architecture);
    for (name, tensor) in &checkpoint.weights {
        println!("weight        {name} {:?}", tensor.shape());
    }
    if let Some(optimizer) = &checkpoint.optimizer {
        println!(
            "optimizer     {} {}",
            optimizer.class_name, optimizer.config
        );
        println!("iterations    {}", optimizer.iterations);
    }
    if let Some(position) = &checkpoint.position {
        println!(
            "goes on at    epoch {}, batch {} (seed {})",
            position.epoch + 1,
            position.batch,
            position.seed
        );
    }
    for (key, value) in &checkpoint.provenance {
        println!("{key:<13} {value}");
    }
}
