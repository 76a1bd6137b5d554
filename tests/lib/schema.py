# SPDX-License-Identifier: GPL-3.0-or-later
"""
As much of JSON Schema (2020-12) as docs/api.schema.json uses; a keyword beyond that is an error.

    check_schema(value, schema["$defs"]["runs"], schema)     AssertionError names the place
"""
import re

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
WORDS = {"$ref", "type", "properties", "required", "additionalProperties", "items", "enum", "const", "minimum", "maximum", "pattern",
    "description", "maxItems", "anyOf"}


def _is(value, name):
    if name in ("integer", "number"):
        return not isinstance(value, bool) and isinstance(value, int if name == "integer" else (int, float))
    return isinstance(value, TYPES[name])


def check_schema(value, schema, root, place="$"):
    def must(holds, what):
        if not holds:
            raise AssertionError(f"{place}: {value!r:.200}: {what}")
    unknown = set(schema) - WORDS
    if unknown:
        raise AssertionError(f"{place}: the schema says {unknown}, which this reader does not know")
    if "$ref" in schema:
        check_schema(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, place)
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        must(any(_is(value, name) for name in names), f"is none of {names}")
    if "anyOf" in schema:
        faults = []
        for one in schema["anyOf"]:
            try:
                check_schema(value, one, root, place)
                break
            except AssertionError as fault:
                faults.append(str(fault))
        else:
            raise AssertionError("; ".join(faults))
    must("enum" not in schema or value in schema["enum"], "is not in the list")
    must("const" not in schema or value == schema["const"], "is another")
    if isinstance(value, str):
        must("pattern" not in schema or re.search(schema["pattern"], value), "is not of the form")
    if _is(value, "number"):
        must(value >= schema.get("minimum", value) and value <= schema.get("maximum", value), "is out of bounds")
    if isinstance(value, list):
        must(len(value) <= schema.get("maxItems", len(value)), "is too long")
        for index, item in enumerate(value):
            check_schema(item, schema.get("items", {}), root, f"{place}[{index}]")
    if isinstance(value, dict):
        for key in schema.get("required", ()):
            must(key in value, f"lacks {key}")
        for key, item in value.items():
            if key in schema.get("properties", {}):
                check_schema(item, schema["properties"][key], root, f"{place}.{key}")
            else:
                must(schema.get("additionalProperties", True), f"has {key}")
