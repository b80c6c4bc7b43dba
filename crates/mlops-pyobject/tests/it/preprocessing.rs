use mlops_pyobject::sklearn::Pipeline;

use crate::support::{self, hex_table, same};

#[test]
fn columns_are_chosen_scaled_and_ordered_as_scikit_learn_does() {
    // Version 1.6.1 writes slices of names, wrapped remainders and no `FunctionTransformer`s.
    for version in ["columns.p5.pkl", "columns_1.6.1.p4.pkl"] {
        let expected =
            support::json(&version.replace(".p5.pkl", ".json").replace(".p4.pkl", ".json"));
        let graph = support::graph(version);
        let rows = hex_table(&expected["rows"]);
        let pipelines = graph.root().entries().unwrap();
        assert_eq!(pipelines.len(), 11);
        for (name, pipeline) in pipelines {
            let name = name.text().unwrap();
            let pipeline = Pipeline::read(&pipeline).unwrap();
            let preprocessing = pipeline.preprocessing.unwrap_or_else(|| panic!("{name}"));
            for (row, expected) in rows.iter().zip(hex_table(&expected["outputs"][name])) {
                let transformed = preprocessing.transform_row(row);
                let equal = transformed.len() == expected.len()
                    && transformed.iter().zip(&expected).all(|(left, right)| same(*left, *right));
                assert!(equal, "{version} {name}: {transformed:?} {expected:?}");
            }
        }
    }
}
