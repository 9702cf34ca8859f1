"""State "Ensure file system" = functions/ensure_file_system = EnsureFileSystemFunction = test_ensure_file_system.py."""

import ast

from tests.statemachine import check

ROOT = check.ROOT
# A function may serve more than one machine, each in a state of the same name.
STATES = {
    name
    for path in (ROOT / "statemachine").glob("*.asl.yaml")
    for scope in check.scope_of(check.load(path))
    for name, state in scope.states.items()
    if state["Type"] == "Task" and state["Resource"].endswith("lambda:invoke")
}
# No state's: EventBridge invokes it.
NOTIFIER = "notify"
FOLDERS = sorted([*(state.lower().replace(" ", "_") for state in STATES), NOTIFIER])


def function_resource(folder: str) -> str:
    return "".join(word.capitalize() for word in folder.split("_")) + "Function"


def test_every_state_that_runs_a_function_has_a_folder_of_its_name_and_beside_the_notifier_no_other_exists() -> None:
    assert sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py")) == FOLDERS


def test_every_folder_is_a_function_resource_of_its_name_and_no_other_exists() -> None:
    resources = check.load_template()["Resources"]
    functions = {
        name: r["Properties"]["CodeUri"] for name, r in resources.items() if r["Type"] == "AWS::Serverless::Function"
    }
    assert functions == {function_resource(folder): f"functions/{folder}" for folder in FOLDERS}


def test_every_state_invokes_the_function_of_its_name() -> None:
    for path in (ROOT / "statemachine").glob("*.asl.yaml"):
        for scope in check.scope_of(check.load(path)):
            for name, state in scope.states.items():
                if state["Type"] == "Task" and state["Resource"].endswith("lambda:invoke"):
                    expected = function_resource(name.lower().replace(" ", "_"))
                    assert state["Arguments"]["FunctionName"] == f"${{{expected}Arn}}", name


def test_every_function_has_a_test_of_its_name() -> None:
    tests = {path.stem for path in (ROOT / "tests" / "unit" / "functions").glob("test_*.py")}
    assert {f"test_{folder}" for folder in FOLDERS} <= tests


def test_a_handler_has_no_branches_and_at_most_15_statements() -> None:
    for path in (ROOT / "functions").glob("*/app.py"):
        tree = ast.parse(path.read_text())
        handler = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "lambda_handler")
        statements = [n for n in ast.walk(handler) if isinstance(n, ast.stmt)]
        branches = [
            n
            for n in ast.walk(handler)
            if isinstance(n, ast.If | ast.IfExp | ast.For | ast.While | ast.Try | ast.Match)
        ]
        assert not branches, path
        assert len(statements) <= 15, path


def test_production_code_never_mentions_the_embedded_cloud() -> None:
    sources = [
        *(ROOT / "functions").rglob("*.py"),
        *(ROOT / "layers").rglob("*.py"),
        *(ROOT / "layers").rglob("*.yaml"),
    ]
    assert sources
    for path in [
        *sources,
        ROOT / "template.yaml",
        *(ROOT / "statemachine").glob("*.yaml"),
        *(ROOT / "accounts").glob("*.yaml"),
    ]:
        text = path.read_text()
        for word in ("local/", "from local", "import local", "moto", "embedded cloud", "127.0.0.1:", "localhost"):
            assert word not in text, f"{path.name} mentions {word}"
