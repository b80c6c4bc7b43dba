mod durbin;
mod pelz_good;
mod smirnov;

/// `P(D_n >= x)`: the probability that the empirical distribution function of a sample of `n`
/// values is somewhere `x` or more away from the distribution function that the values come from.
/// Of no values it is 1 below `x = 1`, and of NaN it is NaN.
///
/// Which method answers follows Simard and L'Ecuyer, so that the answers are those of SciPy's
/// `kstwo.sf` to the 4e-12 that it is off itself:
///
/// | n             | x                | method          | relative error |
/// |---------------|------------------|-----------------|----------------|
/// | any           | `n x <= 1/2`     | 1               | 0              |
/// | any           | `x >= 1/2`       | 2 x Smirnov     | 1e-13          |
/// | up to 140     | `n x^2 > 4`      | 2 x Smirnov     | 4e-11          |
/// | up to 140     | else             | Durbin's matrix | 4e-12          |
/// | above 140     | `n x^2 >= 2.2`   | 2 x Smirnov     | 2e-6, from a million on 2e-4 |
/// | up to 100 000 | `n x^1.5 <= 1.4` | Durbin's matrix | 1e-12          |
/// | above 140     | else             | Pelz and Good   | 3e-5           |
///
/// Two methods of the paper are not needed: Ruben and Gambino's formulas for both ends are a matrix
/// of one entry and a term of Smirnov's sum, and where the paper turns to Pomeranz's recursion, the
/// matrix is as exact.
///
/// Simard and L'Ecuyer (2011), Computing the two-sided Kolmogorov-Smirnov distribution, Journal of
/// Statistical Software 39(11), <https://doi.org/10.18637/jss.v039.i11>.
///
/// # Examples
/// ```
/// // scipy.stats.kstwo.sf(0.274, 10)
/// let p_value = mlops_drift::law::kolmogorov_survival(10, 0.274);
/// assert!((p_value - 0.371_520_384_543_495_6).abs() < 1e-14);
/// ```
pub fn survival(n: usize, x: f64) -> f64 {
    if x >= 1.0 {
        return 0.0;
    }
    if x.is_nan() {
        return f64::NAN;
    }
    let size = n as f64;
    let (t, is_small) = (size * x, n <= 140);
    if t <= 0.5 {
        1.0
    } else if x >= 0.5 || if is_small { t * x > 4.0 } else { t * x >= 2.2 } {
        2.0 * smirnov::survival(n, x)
    } else if is_small || n <= 100_000 && t * x.sqrt() <= 1.4 {
        1.0 - durbin::cdf(n, x)
    } else {
        1.0 - pelz_good::cdf(size, x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_is_that_of_scipy() {
        let law = &crate::test::golden("kstwo_sf")[0];
        let rows = law["expected"].as_array().unwrap();
        assert_eq!(rows.len(), 272);
        for row in rows {
            let n = usize::try_from(row["n"].as_u64().unwrap()).unwrap();
            let (x, expected) = (row["d"].as_f64().unwrap(), row["sf"].as_f64().unwrap());
            let probability = survival(n, x);
            // SciPy takes 1e-321 for 0, and is itself up to 3e-12 off.
            let error = (probability - expected).abs();
            assert!(error <= 4e-12 * expected + 1e-300, "{row}: {probability:e}, {error:e}");
        }
    }

    #[test]
    fn any_number_has_an_answer() {
        for n in [0, 1, 140, 141, 1 << 52] {
            assert_eq!([-1.0, 0.0, 1.0, 2.0].map(|x| survival(n, x)), [1.0, 1.0, 0.0, 0.0]);
            assert!(survival(n, f64::NAN).is_nan());
        }
    }

    #[test]
    fn small_samples_are_exact() {
        // Durbin's matrix to the n-th power with 40 digits (mpmath).
        for (n, x, expected) in [
            (10, 0.274, 0.371_520_384_543_495_6),
            (98, 0.05, 0.956_810_200_210_610_6),
            (98, 0.2, 0.000_652_474_325_789_533_5),
            (139, 0.1, 0.115_834_152_608_772_9),
            (139, 0.15, 0.003_399_906_998_400_189),
            (140, 0.15, 0.003_249_560_441_506_097_4),
        ] {
            let error = (survival(n, x) / expected - 1.0).abs();
            assert!(error < 4e-12, "{n} {x}: {error:e}");
        }
    }

    #[test]
    fn the_methods_agree_where_they_meet() {
        let assert_near = |left: f64, right: f64, tolerance: f64| {
            let error = (left / right - 1.0).abs();
            assert!(error < tolerance, "{left:e} {right:e}: {error:e}");
        };
        for n in [2_usize, 5, 16, 50, 140] {
            let x = (4.0 / n as f64).sqrt().min(0.5);
            assert_near(1.0 - durbin::cdf(n, x), 2.0 * smirnov::survival(n, x), 1e-10);
        }
        for n in [141_usize, 1000, 30_000] {
            let size = n as f64;
            let x = (2.2 / size).sqrt();
            assert_near(1.0 - pelz_good::cdf(size, x), 2.0 * smirnov::survival(n, x), 3e-5);
            let x = (1.4 / size).cbrt().powi(2);
            assert_near(1.0 - durbin::cdf(n, x), 1.0 - pelz_good::cdf(size, x), 4e-6);
        }
    }

    #[test]
    fn large_samples_approach_the_limit() {
        // scipy.special.kolmogorov(z)
        for (z, expected) in [
            (0.2, 0.999_999_999_999_495),
            (0.3, 0.999_990_694_198_665_5),
            (0.5, 0.963_945_243_664_875_1),
            (0.9, 0.392_730_707_940_654_3),
            (1.0, 0.269_999_671_677_354_56),
            (1.2, 0.112_249_666_670_724_97),
            (2.0, 0.000_670_925_255_779_695_3),
            (5.0, 3.857_499_695_927_835_6e-22),
            (15.0, 7.387_766_136_974_512e-196),
        ] {
            let n = 1_usize << 52;
            let probability = survival(n, z / (n as f64).sqrt());
            let error = (probability / expected - 1.0).abs();
            assert!(error < 2e-6, "{z}: {error:e}");
        }
    }
}
