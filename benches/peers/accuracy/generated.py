"""Rows with the four kinds of anomalies of Han et al. (2022), "ADBench: Anomaly Detection Benchmark", section 3.2.

Normal rows are drawn from a mixture of normal distributions; a local anomaly from one of them with ALPHA times its
covariance, those of a cluster from one with ALPHA times its mean, a global anomaly uniformly from a range wider than
that of the normal rows. For dependency, the features of normal rows depend on each other by a copula (here normal,
in the paper a vine), and those of an anomaly have the same distributions without depending on each other.

Here the distributions are drawn, too; in the paper they are fitted to data.
"""

import numpy as np
from scipy import stats

N_NORMAL = 950
N_ANOMALIES = 50
N_FEATURES = 6
N_COMPONENTS = 3
ALPHA = 5.0
WIDER = 1.1
MARGINALS = (stats.norm(), stats.expon(), stats.uniform(), stats.t(3), stats.lognorm(0.5), stats.beta(0.5, 0.5))


class Mixture:
    def __init__(self, random):
        self.random = random
        self.means = random.uniform(-5, 5, (N_COMPONENTS, N_FEATURES))
        self.roots = random.normal(size=(N_COMPONENTS, N_FEATURES, N_FEATURES))

    def draw(self, n, mean_scale=1.0, covariance_scale=1.0):
        component = self.random.integers(N_COMPONENTS, size=n)
        noise = np.einsum("nij,nj->ni", self.roots[component], self.random.normal(size=(n, N_FEATURES)))
        return mean_scale * self.means[component] + np.sqrt(covariance_scale) * noise


def local_anomalies(random):
    mixture = Mixture(random)
    return labelled(mixture.draw(N_NORMAL), mixture.draw(N_ANOMALIES, covariance_scale=ALPHA))


def cluster_anomalies(random):
    mixture = Mixture(random)
    return labelled(mixture.draw(N_NORMAL), mixture.draw(N_ANOMALIES, mean_scale=ALPHA))


def global_anomalies(random):
    normal = Mixture(random).draw(N_NORMAL)
    low, high = WIDER * normal.min(axis=0), WIDER * normal.max(axis=0)
    return labelled(normal, random.uniform(low, high, (N_ANOMALIES, N_FEATURES)))


def dependency_anomalies(random):
    loadings = random.normal(size=(N_FEATURES, 2))
    covariance = loadings @ loadings.T + 0.1 * np.eye(N_FEATURES)
    deviations = np.sqrt(covariance.diagonal())
    normal = random.multivariate_normal(np.zeros(N_FEATURES), covariance, N_NORMAL) / deviations
    anomalies = random.normal(size=(N_ANOMALIES, N_FEATURES))
    return labelled(*(marginals(stats.norm.cdf(rows)) for rows in (normal, anomalies)))


def marginals(uniform):
    return np.column_stack([marginal.ppf(column) for marginal, column in zip(MARGINALS, uniform.T)])


def labelled(normal, anomalies):
    return np.vstack([normal, anomalies]), np.repeat([0, 1], [len(normal), len(anomalies)])


KINDS = {
    "local": local_anomalies,
    "global": global_anomalies,
    "cluster": cluster_anomalies,
    "dependency": dependency_anomalies,
}
