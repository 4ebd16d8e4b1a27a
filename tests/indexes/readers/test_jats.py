from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from indexes.errors import Damaged, Unsupported
from indexes.readers.api import read_file
from indexes.types import ParsedDocument

DOCTYPE = '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) v1.2 20190208//EN" "JATS-publishing1.dtd">'
ARTICLE = """<?xml version="1.0" encoding="utf-8"?>%s<article xmlns:mml="http://www.w3.org/1998/Math/MathML">
<front><article-meta><article-id pub-id-type="doi">10.1000/jats.1</article-id>
<title-group><article-title>Reading <italic>in vivo</italic></article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>Byron</surname><given-names>Ada</given-names></name></contrib>
<contrib contrib-type="author"><collab>The Reading Group</collab></contrib>
<contrib contrib-type="editor"><name><surname>Ed</surname><given-names>Itor</given-names></name></contrib></contrib-group>
<pub-date><year>2018</year></pub-date><pub-date pub-type="epub"><year>2017</year></pub-date>
<abstract><p>We read &alpha; files.</p></abstract></article-meta></front>
<body><sec><label>1</label><title>Introduction</title><p>First words<xref ref-type="bibr">1</xref>.</p>
<p>Before <list><list-item><p>an item</p></list-item></list> after.</p>
<sec><title>Detail</title><p>Let <inline-formula><alternatives><tex-math>\\documentclass{x}</tex-math><mml:math><mml:mi>x</mml:mi>
</mml:math></alternatives></inline-formula> be.</p></sec></sec>
<sec><title>Results</title><table-wrap><label>T1</label><caption><p>A table.</p></caption>
<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table></table-wrap></sec></body>
<back><ref-list><ref><mixed-citation>Somebody else</mixed-citation></ref></ref-list></back></article>"""


def _read(folder: Path, xml: str, name: str = "article.xml") -> ParsedDocument:
    path = folder / name
    path.write_text(xml, encoding="utf-8")
    return read_file(path)


def test_the_front_names_the_paper(tmp_path: Path) -> None:
    read = _read(tmp_path, ARTICLE % DOCTYPE)
    assert read.title == "Reading in vivo"
    assert read.authors == ("Ada Byron", "The Reading Group")
    assert (read.year, read.doi) == (2017, "10.1000/jats.1")


def test_abstract_and_sections_stand_at_their_offsets(tmp_path: Path) -> None:
    read = _read(tmp_path, ARTICLE % DOCTYPE)
    assert [section.title for section in read.sections] == ["Abstract", "1 Introduction", "Detail", "Results"]
    assert all(read.text[section.start :].startswith(section.title) for section in read.sections)


def test_paragraphs_lists_formulas_and_tables_are_read(tmp_path: Path) -> None:
    text = _read(tmp_path, ARTICLE % DOCTYPE).text
    assert "We read α files." in text
    assert "Before\n\nan item\n\nafter." in text
    assert "Let x be." in text
    assert "A table.\n\na | b\n1 | 2" in text


def test_references_are_left_out(tmp_path: Path) -> None:
    assert "Somebody else" not in _read(tmp_path, ARTICLE % DOCTYPE).text


def test_an_entity_never_brings_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the secret")
    doctype = f'<!DOCTYPE article [<!ENTITY alpha SYSTEM "{(tmp_path / "secret.txt").as_uri()}">]>'
    assert "the secret" not in _read(tmp_path, ARTICLE % doctype).text


def test_entities_within_entities_do_not_multiply(tmp_path: Path) -> None:
    laughs = "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in pairwise("abcdefghi"))
    doctype = f'<!DOCTYPE article [<!ENTITY a "ha">{laughs}<!ENTITY alpha "&i;">]>'
    with suppress(Damaged):  # the parser may refuse it, but not multiply
        assert len(_read(tmp_path, ARTICLE % doctype).text) < 2000


def test_broken_xml_and_other_xml_are_named(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="not well-formed"):
        _read(tmp_path, "<article><body><p>open")
    with pytest.raises(Unsupported, match="not a JATS article"):
        _read(tmp_path, '<?xml version="1.0"?><rss><channel/></rss>')


def test_endless_nesting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Damaged):
        _read(
            tmp_path, "<article><body>" + "<sec>" * 3000 + "<p>x</p>" + "</sec>" * 3000 + "</body></article>"
        )
