"""Says what a tree-structured Parzen estimator would try next: one study in, its answers out, nothing kept.

Reads one JSON object on standard input and prints one. The study is built from what it is told each time, so the same study
has the same answers. Sampler: Optuna's TPE with its own defaults, but three: parameters are modelled together, and those that only
an edit brings beside it (`multivariate`, `group`); and the model is used from the first told trial on, which is the baseline: thirty
trials leave no room for ten drawn blindly, half of all edits at once.
"""
import json
import sys

import optuna
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.trial import TrialState, create_trial


def distribution_of(parameter):
    return CategoricalDistribution(parameter["choices"]) if parameter["kind"] == "choice" else IntDistribution(parameter["low"], parameter["high"])


def told_trial(trial, parameters):
    told, params, distributions = trial["told"], {}, {}
    for name, value in trial["values"].items():
        parameter = parameters.get(name)
        if parameter is None or (parameter["kind"] == "choice" and value not in parameter["choices"]):
            continue
        distributions[name] = distribution_of(parameter)
        params[name] = value if parameter["kind"] == "choice" else min(max(value, parameter["low"]), parameter["high"])  # only parameters of one range are modelled together
    if told["kind"] == "open":
        return create_trial(state=TrialState.RUNNING, params=params, distributions=distributions)
    failed = told["kind"] == "failed"
    return create_trial(
        state=TrialState.COMPLETE, value=0.0 if failed else told["loss"], params=params, distributions=distributions,
        constraints={"missed": told["missedBy"] if failed else -1.0},
    )


def answer(study, parameters):
    trial = study.ask()
    values = {}
    for parameter in parameters:
        when = parameter["when"]
        if when and not any(values.get(each["parameter"]) == each["value"] for each in when):
            continue
        name = parameter["name"]
        values[name] = trial.suggest_categorical(name, parameter["choices"]) if parameter["kind"] == "choice" else trial.suggest_int(name, parameter["low"], parameter["high"])
    return values


def main():
    asked = json.load(sys.stdin)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    parameters = asked["study"]["parameters"]
    by_name = {parameter["name"]: parameter for parameter in parameters}
    study = optuna.create_study(direction="minimize")
    for trial in asked["study"]["trials"]:
        study.add_trial(told_trial(trial, by_name))
    answers = []
    for i in range(asked["answers"]):
        study.sampler = optuna.samplers.TPESampler(seed=(asked["study"]["seed"] + i) % 2**32, n_startup_trials=1, multivariate=True, group=True)
        answers.append(answer(study, parameters))
    print(json.dumps({"optuna": optuna.__version__, "answers": answers}))


main()
