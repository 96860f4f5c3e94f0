//! Snapshots of the IR by topic, and properties that hold for every input.

mod hostile;
