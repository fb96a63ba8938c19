//! A service of predictions: one prepared model, many threads that ask. The model is folded and packed once and lies in
//! memory once; a thread owns it, takes all questions that have come in meanwhile and answers them as one batch.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use taper::prelude::*;

const INPUTS: usize = 16;
const CLASSES: usize = 4;
const BATCH: usize = 32;

/// Run it with `cargo run --release --example service`.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = Sequential::new([INPUTS])
        .add(Dense::new(64).activation(Relu))
        .add(BatchNormalization::new())
        .add(Dense::new(CLASSES).activation(Softmax))
        .build(Seed(7))?; // or of a file: Checkpoint::load("model.taper")?.into_model()?

    let service = Service::start(model.prepare(BATCH)?);
    let answered: usize = thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|client| {
                let (service, model) = (service.clone(), &model);
                scope.spawn(move || {
                    (0..50)
                        .filter(|&i| ask(&service, model, 50 * client + i))
                        .count()
                })
            })
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().expect("no client panics"))
            .sum()
    });
    println!("{answered} answers, each equal to that of the model");

    assert!(
        service.predict(vec![0.0; 3]).is_err(),
        "a question of another length is refused"
    );
    assert_eq!(answered, 400);
    Ok(())
}

/// Asks one question, and says whether the answer is the model's own.
fn ask(service: &Service, model: &Model, question: u32) -> bool {
    let input = Tensor::normal(
        [1, INPUTS],
        0.0,
        1.0,
        Seed(1).key(Stream::User(question), 0),
    );
    let expected = model.predict(&input).expect("it fits").to_vec();
    let answer = service.predict(input.to_vec()).expect("the service runs");
    answer
        .iter()
        .zip(&expected)
        .all(|(a, b)| (a - b).abs() <= 1e-5)
}

/// A question, and where its answer goes.
struct Question {
    input: Vec<f32>,
    answer: Sender<Vec<f32>>,
}

/// The way to the model, for as many threads as there are. When the last one is gone, so is the model's thread.
#[derive(Clone)]
struct Service {
    questions: Sender<Question>,
}

impl Service {
    fn start(prepared: Prepared) -> Self {
        let (questions, asked) = mpsc::channel();
        thread::spawn(move || answer_all(prepared, &asked));
        Service { questions }
    }

    /// The probabilities for one sample. Waits for its answer.
    fn predict(&self, input: Vec<f32>) -> Result<Vec<f32>, String> {
        if input.len() != INPUTS {
            return Err(format!("{} values, the model takes {INPUTS}", input.len()));
        }
        let (answer, answered) = mpsc::channel();
        let gone = |_| "the service has ended".to_string();
        self.questions
            .send(Question { input, answer })
            .map_err(|_| "the service has ended")?;
        answered.recv().map_err(gone)
    }
}

/// Waits for a question, takes those that have come in with it, and runs them at once. Nothing is allocated by the model.
fn answer_all(mut prepared: Prepared, asked: &Receiver<Question>) {
    let mut inputs = Vec::with_capacity(BATCH * INPUTS);
    let mut outputs = vec![0.0; BATCH * CLASSES];
    while let Ok(first) = asked.recv() {
        let questions: Vec<Question> = std::iter::once(first)
            .chain(asked.try_iter().take(BATCH - 1))
            .collect();
        inputs.clear();
        questions
            .iter()
            .for_each(|question| inputs.extend_from_slice(&question.input));
        let outputs = &mut outputs[..questions.len() * CLASSES];
        if prepared.predict_into(&inputs, outputs).is_err() {
            return; // whoever waits hears that the service has ended
        }
        for (question, output) in questions.iter().zip(outputs.chunks_exact(CLASSES)) {
            let _ = question.answer.send(output.to_vec()); // unless it has stopped waiting
        }
    }
}
