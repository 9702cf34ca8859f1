"""What is said of regions is what is published of them."""

import re

import pytest

from local.aws.availability import published_regions, types_in
from tools import regions
from tools.event_schemas import ROOT
from tools.templates import load_template


def test_the_data_the_sections_of_the_template_and_the_document_are_current() -> None:
    assert regions.DATA.read_text() == regions.data(), "make generate"
    assert regions.TEMPLATE.read_text() == regions.with_sections(regions.TEMPLATE.read_text()), "make generate"
    assert regions.DOCUMENT.read_text() == regions.markdown(), "make generate"


def test_every_optional_nested_stack_is_under_the_condition_that_the_region_has_its_types() -> None:
    template = load_template(regions.TEMPLATE)
    for name in regions.OPTIONAL:
        condition = template["Conditions"][template["Resources"][name]["Condition"]]
        here = {"Fn::FindInMap": ["Regions", {"Ref": "AWS::Region"}, name]}
        assert condition == {"Fn::Equals": [here, "true"]}


def test_what_is_deployed_in_other_accounts_exists_wherever_something_is_published() -> None:
    """accounts/*.yaml have no conditions by region: they need none."""
    templates = [load_template(path) for path in (ROOT / "accounts").glob("*.yaml")]
    types = {resource["Type"] for template in templates for resource in template["Resources"].values()}
    assert len(types) >= 4
    assert {region: types - (types_in(region) or set()) for region in published_regions()} == {
        region: set() for region in published_regions()
    }


@pytest.mark.parametrize("region", ["us-iso-east-1", "eusc-de-east-1", "eu-isoe-west-1", "me-south-1", "nowhere"])
def test_a_list_that_is_a_copy_of_another_regions_is_none(region: str) -> None:
    assert types_in(region) is None


def test_a_stack_that_could_make_no_cluster_anywhere_in_its_partition_is_not_deployed() -> None:
    named = {region.name: region for region in regions.regions()}
    assert named["us-gov-west-1"].stack == frozenset()
    assert named["us-gov-west-1"].cluster == frozenset({"AWS::EKS::FargateProfile"})
    assert {region.partition for region in regions.deployable()} == {"aws", "aws-cn"}


def test_the_document_has_every_region_once() -> None:
    rows = re.findall(r"^\| ([a-z]+-[a-z0-9-]+) \|", regions.DOCUMENT.read_text(), re.MULTILINE)
    assert rows == [region.name for region in regions.regions()]
    assert set(published_regions()) < set(rows)
