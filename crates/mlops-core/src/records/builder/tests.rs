use super::*;

fn schema() -> Arc<Schema> {
    let features = vec![
        Feature::numeric("alcohol"),
        Feature::integer("is_red"),
        Feature::categorical("region", ["Douro", "Minho"]),
    ];
    Arc::new(Schema::new(features).unwrap())
}

#[test]
fn rows_and_columns_fill_the_same_matrix() {
    let schema = schema();
    let limits = RecordsLimits::default();
    let (mut by_row, mut by_column) =
        (RecordsBuilder::new(&schema, limits), RecordsBuilder::new(&schema, limits));
    let values = [[9.4, 1.0, f64::NAN], [f64::NAN, 0.0, f64::NAN]];
    for row in values {
        by_row.begin_row().unwrap();
        for (column, value) in row.into_iter().enumerate().take(2) {
            by_row.select_column(column);
            by_row.number(value).unwrap();
        }
    }
    for column in 0..2 {
        for (row, values) in values.iter().enumerate() {
            if column == 0 {
                by_column.begin_row().unwrap();
            }
            assert!(by_column.select_row(row));
            by_column.select_column(column);
            by_column.number(values[column]).unwrap();
        }
    }
    assert!(!by_column.select_row(2));
    let bits = |builder: RecordsBuilder<'_>| builder.finish().unwrap().values().mapv(f64::to_bits);
    assert_eq!(bits(by_row.clone()), bits(by_column));
    assert_eq!(bits(by_row), ndarray::arr2(&values).mapv(f64::to_bits));
}

#[test]
fn a_value_without_a_place_is_a_violation_of_type() {
    let schema = schema();
    let mut builder = RecordsBuilder::new(&schema, RecordsLimits::default());
    builder.number(1.0).unwrap();
    builder.select_column(0);
    builder.missing().unwrap();
    builder.begin_row().unwrap();
    builder.text("Douro").unwrap();
    builder.select_column(3);
    builder.missing().unwrap();
    let Err(RecordsError::Invalid(violations)) = builder.finish() else { panic!("accepted") };
    assert!(violations.iter().all(|violation| violation.code == ViolationCode::Type));
    assert_eq!(violations.len(), 4);
}

#[test]
fn what_follows_after_a_stop_changes_nothing() {
    let schema = schema();
    let mut builder = RecordsBuilder::new(&schema, RecordsLimits::default().max_rows(1));
    builder.begin_row().unwrap();
    let mut outcomes = (0..40).map(|_| builder.refuse_row(ViolationCode::Length));
    assert_eq!(outcomes.position(|outcome| outcome == Err(Stop)), Some(MAX_VIOLATIONS - 1));
    assert!(outcomes.all(|outcome| outcome == Err(Stop)));
    assert!(builder.is_stopped());
    let Err(RecordsError::Invalid(violations)) = builder.clone().finish() else {
        panic!("accepted")
    };
    assert_eq!(violations.len(), MAX_VIOLATIONS);
    assert_eq!(builder.begin_row(), Err(Stop));
    assert_eq!(builder.finish().unwrap_err(), RecordsError::TooManyRows { limit: 1 });
}

#[test]
fn without_rows_the_records_are_refused() {
    let schema = schema();
    let builder = RecordsBuilder::new(&schema, RecordsLimits::default());
    let empty = Violation { row: None, field: None, code: ViolationCode::Empty };
    assert_eq!(builder.finish().unwrap_err(), RecordsError::Invalid(vec![empty]));
}
