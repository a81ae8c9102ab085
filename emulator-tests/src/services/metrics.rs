//! What a service's `/metrics` say.

use std::collections::BTreeMap;

/// The series of one scrape, by name with labels, as Prometheus writes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics(BTreeMap<String, f64>);

/// The pipeline's account of plays in one scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Books {
    /// Deliveries.
    pub received: u64,
    /// Acknowledged, whatever for.
    pub acked: u64,
    /// Acknowledged because published.
    pub settled: u64,
    /// Not acknowledged yet.
    pub held: u64,
    /// Acknowledged because of no use, by reason; reasons that did not occur are left out.
    pub dropped: BTreeMap<String, u64>,
}

impl Metrics {
    /// Reads Prometheus' text format; lines that are none of it are passed over.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let series = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = series.filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Self(pairs.collect())
    }

    /// The value of one series; 0 when there is none.
    #[must_use]
    pub fn get(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or(0.0)
    }

    /// The value of a series that counts.
    #[must_use]
    pub fn count(&self, series: &str) -> u64 {
        self.get(series) as u64
    }

    /// The values of all series of `name`, by the value of their label `label`.
    #[must_use]
    pub fn by_label(&self, name: &str, label: &str) -> BTreeMap<String, f64> {
        let (start, label) = (format!("{name}{{"), format!("{label}=\""));
        let of_name = self.0.iter().filter(|(series, _)| series.starts_with(&start));
        let values = of_name.filter_map(|(series, value)| {
            let (_, rest) = series.split_once(&label)?;
            Some((rest.split('"').next()?.to_owned(), *value))
        });
        values.collect()
    }

    /// The pipeline's account.
    #[must_use]
    pub fn books(&self) -> Books {
        let dropped = self.by_label("pipeline_plays_dropped_total", "reason").into_iter();
        Books {
            received: self.count("pipeline_plays_received_total"),
            acked: self.count("pipeline_plays_acked_total"),
            settled: self.count("pipeline_plays_settled_total"),
            held: self.count("pipeline_plays_held"),
            dropped: dropped.filter(|(_, n)| *n > 0.0).map(|(reason, n)| (reason, n as u64)).collect(),
        }
    }
}

impl Books {
    /// Whether received = settled + held + dropped, and acked = settled + dropped.
    #[must_use]
    pub fn add_up(&self) -> bool {
        let done = self.settled + self.dropped.values().sum::<u64>();
        self.received == done + self.held && self.acked == done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_books_are_read_from_a_scrape() {
        let text = "# HELP pipeline_plays_held Plays\n\
                    pipeline_plays_held 2\n\
                    pipeline_plays_received_total 10\n\
                    pipeline_plays_settled_total 3\n\
                    pipeline_plays_acked_total 8\n\
                    pipeline_plays_dropped_total{reason=\"late\"} 5\n\
                    pipeline_plays_dropped_total{reason=\"future\"} 0\n";
        let books = Metrics::parse(text).books();
        assert_eq!((books.received, books.settled, books.held), (10, 3, 2));
        assert_eq!(books.dropped, BTreeMap::from([("late".to_owned(), 5)]));
        assert!(books.add_up());
    }
}
