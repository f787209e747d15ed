"""Reports as test tools write them: of each a run that must be red, and runs that must be green."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    tool: str
    code: int
    """What it ends with where tests failed."""
    red: str
    green: tuple[str, ...]
    """Each with exit code 0."""


HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

PYTEST = Shape(
    "pytest", 1,
    HEAD + """<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="2" skipped="2" tests="6"
time="0.071" timestamp="2026-11-29T10:00:00.1+00:00" hostname="ci">
<testcase classname="tests.test_cart" name="test_adds" time="0.001"/>
<testcase classname="tests.test_cart" name="test_total" time="0.002"><failure message="assert 1 == 2">def test_total():
&gt; assert 1 == 2</failure></testcase>
<testcase classname="tests.test_cart.TestPay" name="test_card[visa]" time="0.001"><failure message="x">y</failure></testcase>
<testcase classname="tests.test_pay" name="test_skip" time="0.0"><skipped type="pytest.skip" message="not here">p:3</skipped></testcase>
<testcase classname="tests.test_pay" name="test_known" time="0.0"><skipped type="pytest.xfail" message="SHOP-1"/></testcase>
<testcase classname="" name="tests.test_ui" time="0.0"><error message="collection failure">ImportError</error></testcase>
</testsuite></testsuites>""",
    (HEAD + """<testsuites name="pytest tests"><testsuite name="pytest" errors="0" failures="0" skipped="2" tests="3"
time="0.1"><testcase classname="tests.test_cart" name="test_adds" time="0.001"/>
<testcase classname="tests.test_pay" name="test_skip"><skipped type="pytest.skip" message="not here">p:3</skipped></testcase>
<testcase classname="tests.test_pay" name="test_known"><skipped type="pytest.xfail" message="SHOP-1"/></testcase>
</testsuite></testsuites>""",),
)  # fmt: skip
XDIST = Shape(
    "pytest-xdist", 1,
    """<testsuites name="pytest tests"><testsuite name="pytest" errors="0" failures="1" skipped="0" tests="3" time="2.1">
<testcase classname="tests.test_a" name="test_one" time="0.01"/><testcase classname="tests.test_b" name="test_two" time="0.01"/>
<testcase classname="tests/test_c.py" name="tests/test_c.py::test_crash" time="0.0"><failure
message="worker 'gw0' crashed while running 'tests/test_c.py::test_crash'">worker 'gw0' crashed</failure></testcase>
</testsuite></testsuites>""",
    ("""<testsuites name="pytest tests"><testsuite name="pytest" errors="0" failures="0" tests="1"><testcase
classname="tests.test_a" name="test_one"/></testsuite></testsuites>""",),
)  # fmt: skip
JEST = Shape(
    "jest-junit", 1,
    HEAD + """<testsuites name="jest tests" tests="4" failures="1" errors="1" time="1.2">
<testsuite name="cart" errors="0" failures="1" skipped="1" timestamp="2026-11-29T10:00:00" time="0.5" tests="3">
<testcase classname="cart adds" name="cart adds" time="0.002" file="cart.test.js"/>
<testcase classname="cart totals" name="cart totals" time="0.003" file="cart.test.js"><failure>Error: expect(received)</failure></testcase>
<testcase classname="cart later" name="cart later" time="0" file="cart.test.js"><skipped/></testcase></testsuite>
<testsuite name="Test suite failed to run" errors="1" failures="0" skipped="0" time="0" tests="1">
<testcase classname="Test suite failed to run" name="pay.test.js" time="0"><error>Cannot find module './x'</error></testcase>
</testsuite></testsuites>""",
    ("""<testsuites name="jest tests" tests="1" failures="0" errors="0"><testsuite name="cart" errors="0" failures="0"
skipped="1" tests="1"><testcase classname="cart later" name="cart later" time="0"><skipped/></testcase></testsuite></testsuites>""",),
)  # fmt: skip
VITEST = Shape(
    "vitest", 1,
    HEAD + """<testsuites name="vitest tests" tests="3" failures="1" errors="0" time="0.3">
<testsuite name="src/cart.test.ts" timestamp="2026-11-29T10:00:00Z" hostname="ci" tests="2" failures="1" errors="0" skipped="0" time="0.01">
<testcase classname="src/cart.test.ts" name="cart &gt; adds" time="0.002"></testcase>
<testcase classname="src/cart.test.ts" name="cart &gt; totals" time="0.004"><failure message="expected 1 to be 2" type="AssertionError">
AssertionError: expected 1 to be 2</failure></testcase></testsuite>
<testsuite name="src/pay.test.ts" tests="1" failures="0" errors="0" skipped="1" time="0"><testcase classname="src/pay.test.ts"
name="pay &gt; later" time="0"><skipped/></testcase></testsuite></testsuites>""",
    ("""<testsuites name="vitest tests" tests="1" failures="0" errors="0"><testsuite name="a.test.ts" tests="1" failures="0"
errors="0" skipped="0"><testcase classname="a.test.ts" name="a" time="0.1"><system-out>hi</system-out></testcase></testsuite></testsuites>""",),
)  # fmt: skip
NEWMAN = Shape(
    "newman", 1,
    HEAD + """<testsuites name="shop" tests="3" time="1.5"><testsuite name="list / items" id="a" tests="2" failures="1" errors="0" time="0.1">
<testcase name="status is 200" time="0.1" classname="Shop"/><testcase name="has items" time="0.1" classname="Shop"><failure
type="AssertionFailure"><![CDATA[Error: expected 0 to be above 0]]></failure></testcase></testsuite>
<testsuite name="pay" id="b" tests="0" errors="1" time="0"/></testsuites>""",
    ("""<testsuites name="shop" tests="1"><testsuite name="list" id="a" tests="1" failures="0" errors="0" time="0.1">
<testcase name="status is 200" time="0.1" classname="Shop"/></testsuite></testsuites>""",),
)  # fmt: skip
CUCUMBER = Shape(
    "cucumber-js", 1,
    """<testsuite failures="1" skipped="1" name="cucumber-js" time="0.02" tests="3"><testcase classname="Cart" name="adds" time="0.01">
<system-out><![CDATA[Given a cart....passed]]></system-out></testcase><testcase classname="Cart" name="totals" time="0.01"><failure
type="AssertionError" message="1 == 2"><![CDATA[at x]]></failure><system-out><![CDATA[Then..failed]]></system-out></testcase>
<testcase classname="Cart" name="later" time="0"><skipped/></testcase></testsuite>""",
    ("""<testsuite failures="0" skipped="0" name="cucumber-js" tests="1"><testcase classname="Cart" name="adds"/></testsuite>""",),
)  # fmt: skip
NODE = Shape(
    "node:test", 1,
    HEAD + """<testsuites><testsuite name="cart" time="0.01" disabled="0" errors="0" tests="2" failures="1" skipped="1" hostname="ci">
<testcase name="adds" time="0.001" classname="test" file="/app/cart.test.js"/><testcase name="totals" time="0.001" classname="test"
file="/app/cart.test.js" failure="1 == 2"><failure type="testCodeFailure" message="1 == 2">[Error] {}</failure></testcase>
<testsuite name="deep" time="0.01" tests="1" failures="0" skipped="1"><testcase name="later" classname="test"><skipped type="todo"
message="true"/></testcase></testsuite></testsuite><testcase name="top" time="0.01" classname="test"/><!-- tests 4 --></testsuites>""",
    ("""<testsuites><testcase name="top" time="0.01" classname="test"/><testsuite name="cart" failures="1"
skipped="1" tests="1"><testcase name="todo" classname="test" failure="no"><skipped type="todo" message="true"/><failure
type="testCodeFailure" message="no">x</failure></testcase></testsuite></testsuites>""",),
)  # fmt: skip
BEHAVE = Shape(
    "behave", 1,
    HEAD + """<testsuite name="cart.Cart" tests="3" errors="1" failures="1" skipped="1" time="0.01" timestamp="2026-11-29T10:00:00"
hostname="ci"><testcase classname="cart.Cart" name="adds" status="passed" time="0.01"/><testcase classname="cart.Cart" name="totals"
status="failed" time="0.01"><failure type="AssertionError" message="no">Failing step: x</failure><system-out>x</system-out></testcase>
<testcase classname="cart.Cart" name="crashes" status="error" time="0"><error type="KeyError" message="'x'">t</error></testcase>
<testcase classname="cart.Cart" name="later" status="skipped" time="0"><skipped/></testcase></testsuite>""",
    ("""<testsuite name="cart.Cart" tests="2" errors="0" failures="0" skipped="1"><testcase classname="cart.Cart" name="adds"
status="passed"/><testcase classname="cart.Cart" name="later" status="untested"><skipped/></testcase></testsuite>""",),
)  # fmt: skip
ROBOT = Shape(
    "robot", 2,
    HEAD + """<testsuite name="Shop" tests="4" errors="0" failures="2" skipped="1" time="0.03" timestamp="2026-11-29T10:00:00">
<testsuite name="Cart" tests="2" errors="0" failures="1" skipped="0" time="0.01"><testcase classname="Shop.Cart" name="Adds" time="0.001"/>
<testcase classname="Shop.Cart" name="Totals" time="0.001"><failure message="1 != 2" type="AssertionError"/></testcase></testsuite>
<testsuite name="Pay" tests="2" errors="0" failures="1" skipped="1" time="0.01"><testcase classname="Shop.Pay" name="Card" time="0">
<failure message="Parent suite setup failed:&#10;x" type="AssertionError"/></testcase><testcase classname="Shop.Pay" name="Later"
time="0"><skipped message="not here" type="SkipExecution"/></testcase></testsuite></testsuite>""",
    ("""<testsuite name="Cart" tests="1" errors="0" failures="0" skipped="0"><testcase classname="Cart" name="Adds"/></testsuite>""",),
)  # fmt: skip
GOTESTSUM = Shape(
    "gotestsum", 1,
    HEAD + """<testsuites tests="4" failures="2" errors="1" time="1.2"><testsuite tests="3" failures="1" time="0.4"
name="example.com/shop/cart" timestamp="2026-11-29T10:00:00Z"><properties><property name="go.version" value="go1.23"/></properties>
<testcase classname="example.com/shop/cart" name="TestTotal" time="0.01"><failure message="Failed" type="">=== RUN</failure></testcase>
<testcase classname="example.com/shop/cart" name="TestLater" time="0"><skipped message="x"/></testcase>
<testcase classname="example.com/shop/cart" name="TestAdds" time="0.01"/></testsuite>
<testsuite tests="0" failures="1" time="0" name="example.com/shop/pay"><testcase classname="" name="TestMain" time="0"><failure
message="Failed" type="">panic: x</failure></testcase></testsuite></testsuites>""",
    # Of --rerun-fails: failed tests come before those that passed.
    ("""<testsuites tests="2" failures="1" errors="0"><testsuite tests="2" failures="1" name="example.com/p"><testcase
classname="example.com/p" name="TestFlaky" time="0.1"><failure message="Failed" type="">x</failure></testcase><testcase
classname="example.com/p" name="TestFlaky" time="0.1"/></testsuite></testsuites>""",),
)  # fmt: skip
SUREFIRE = Shape(
    "surefire", 1,
    HEAD + """<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="3.0" name="shop.CartTest" time="0.3" tests="4"
errors="1" skipped="1" failures="1" flakes="0"><properties><property name="java.version" value="21"/></properties>
<testcase name="adds" classname="shop.CartTest" time="0.01"/><testcase name="totals" classname="shop.CartTest" time="0.01"><failure
message="expected: 1" type="org.opentest4j.AssertionFailedError"><![CDATA[at x]]></failure><rerunFailure message="expected: 1"
type="org.opentest4j.AssertionFailedError"><stackTrace><![CDATA[at x]]></stackTrace></rerunFailure></testcase>
<testcase name="later" classname="shop.CartTest" time="0"><skipped message="x"/></testcase>
<testcase name="" classname="shop.PayTest" time="0"><error message="beforeAll" type="java.lang.IllegalStateException"/></testcase></testsuite>""",
    ("""<testsuite name="shop.CartTest" tests="1" errors="0" skipped="0" failures="0" flakes="1"><testcase name="adds"
classname="shop.CartTest" time="0.01"><flakyFailure message="x" type="E"><stackTrace>at x</stackTrace></flakyFailure></testcase></testsuite>""",
     """<testsuite name="shop.CartTest" tests="1" errors="0" failures="1"><testcase name="adds" classname="shop.CartTest"><flakyError
message="x" type="E"><stackTrace>at x</stackTrace></flakyError></testcase></testsuite>""",),
)  # fmt: skip
CTEST = Shape(
    "ctest", 8,
    HEAD + """<testsuite name="Linux-c++" tests="4" failures="1" disabled="1" skipped="1" hostname="" time="0" timestamp="2026-11-29T10:00:00">
<testcase name="cart" classname="cart" time="0.01" status="run"><system-out>ok</system-out></testcase>
<testcase name="pay" classname="pay" time="0.01" status="fail"><failure message="Failed"/><system-out>no</system-out></testcase>
<testcase name="later" classname="later" time="0" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>
<testcase name="off" classname="off" time="0" status="disabled"><properties/></testcase></testsuite>""",
    ("""<testsuite name="Linux-c++" tests="2" failures="0" disabled="1" skipped="0"><testcase name="cart" classname="cart"
status="run"/><testcase name="off" classname="off" status="disabled"><skipped message="Disabled"/></testcase></testsuite>""",),
)  # fmt: skip
GOOGLETEST = Shape(
    "googletest", 1,
    HEAD + """<testsuites tests="3" failures="1" disabled="1" errors="0" time="0.01" timestamp="2026-11-29T10:00:00" name="AllTests">
<testsuite name="Cart" tests="3" failures="1" disabled="1" skipped="0" errors="0" time="0.01"><testcase name="Adds" file="cart.cc" line="3"
status="run" result="completed" time="0" classname="Cart"/><testcase name="Totals" file="cart.cc" line="7" status="run"
result="completed" time="0" classname="Cart"><failure message="cart.cc:8&#x0A;Expected: 1" type=""><![CDATA[x]]></failure></testcase>
<testcase name="DISABLED_Later" file="cart.cc" line="9" status="notrun" result="suppressed" time="0" classname="Cart"/></testsuite></testsuites>""",
    ("""<testsuites tests="1" failures="0" disabled="0" errors="0" name="AllTests"><testsuite name="Cart" tests="1" failures="0"
disabled="0" skipped="1" errors="0"><testcase name="Adds" status="run" result="skipped" classname="Cart"><skipped message="x"/></testcase>
</testsuite></testsuites>""",),
)  # fmt: skip
MOCHA = Shape(
    "mocha", 2,
    HEAD + """<testsuites name="Mocha Tests" time="0.01" tests="3" failures="2"><testsuite name="Root Suite" tests="0" time="0"/>
<testsuite name="cart" timestamp="2026-11-29T10:00:00" tests="3" file="/app/test/cart.spec.js" time="0.01" failures="2">
<testcase name="cart adds" time="0.001" classname="adds"/><testcase name="cart totals" time="0.001" classname="totals"><failure
message="1 == 2" type="AssertionError"><![CDATA[at x]]></failure></testcase><testcase name="cart &quot;after all&quot; hook" time="0"
classname="&quot;after all&quot; hook"><failure message="x" type="Error"/></testcase></testsuite></testsuites>""",
    ("""<testsuites name="Mocha Tests" tests="1" failures="0"><testsuite name="cart" tests="1" failures="0"><testcase name="cart adds"
classname="adds"/></testsuite></testsuites>""",),
)  # fmt: skip
PHPUNIT = Shape(
    "phpunit", 2,
    HEAD + """<testsuites><testsuite name="phpunit.xml" tests="3" assertions="3" errors="1" failures="1" skipped="0" time="0.01">
<testsuite name="unit" tests="3" assertions="3" errors="1" failures="1" skipped="0" time="0.01"><testsuite name="CartTest"
file="/app/CartTest.php" tests="3" errors="1" failures="1" skipped="0"><testcase name="testAdds" file="/app/CartTest.php" line="9"
class="CartTest" classname="CartTest" assertions="1" time="0.001"/><testcase name="testTotals" file="/app/CartTest.php" line="12"
class="CartTest" classname="CartTest" time="0.001"><failure type="PHPUnit\\Framework\\ExpectationFailedException">x</failure></testcase>
<testcase name="testPays" file="/app/CartTest.php" line="15" class="CartTest" classname="CartTest"><error type="Error">x</error></testcase>
</testsuite></testsuite></testsuite></testsuites>""",
    ("""<testsuites><testsuite name="phpunit.xml" tests="1" errors="0" failures="0"><testsuite name="CartTest" tests="1" errors="0"
failures="0" warnings="1"><testcase name="testAdds" classname="CartTest"><skipped/></testcase></testsuite></testsuite></testsuites>""",),
)  # fmt: skip
NUNIT = Shape(
    "nunit", 1,
    """<testsuites id="2" name="shop.dll" tests="3" failures="1" disabled="1" time="0.2"><testsuite name="Shop.CartTests" id="1007"
tests="3" time="0.2" failures="1" errors="0" skipped="1" hostname="ci"><testcase name="Adds" status="Passed" time="0.01"
classname="Shop.CartTests" assertions="1"/><testcase name="Totals" status="Failed" time="0.01" classname="Shop.CartTests"><failure
message="Expected: 1" type="">at x</failure></testcase><testcase name="Later" status="Skipped" classname="Shop.CartTests"><skipped
message="x"/></testcase></testsuite></testsuites>""",
    ("""<testsuites tests="1" failures="0"><testsuite name="S" tests="1" failures="0" errors="0"><testcase name="Adds"
status="Passed" classname="S"/></testsuite></testsuites>""",),
)  # fmt: skip
K6 = Shape(
    "k6", 99,
    HEAD + """<testsuites tests="2" failures="1"><testsuite name="k6 thresholds" tests="2" failures="1"><testcase
name="http_req_failed - rate&lt;0.01"/><testcase name="http_req_duration - p(95)&lt;200"><failure message="failed"/></testcase>
</testsuite></testsuites>""",
    ("""<testsuites tests="1" failures="0"><testsuite name="k6 thresholds" tests="1" failures="0"><testcase name="checks -
rate&gt;0.9"/></testsuite></testsuites>""",),
)  # fmt: skip
BAZEL = Shape(
    "bazel", 3,
    HEAD + """<testsuites><testsuite name="//cart:totals_test" tests="1" failures="0" errors="1"><testcase name="//cart:totals_test"
status="run" duration="1" time="1"><error message="exited with error code 1"/></testcase><system-out>Generated test.log</system-out>
</testsuite><testsuite name="//cart:adds_test" tests="1" failures="0" errors="0"><testcase name="//cart:adds_test" status="run"
duration="1" time="1"/></testsuite></testsuites>""",
    ("""<testsuites><testsuite name="//cart:adds_test" tests="1" failures="0" errors="0"><testcase name="//cart:adds_test"
status="run" duration="1" time="1"/><system-out>Generated test.log</system-out></testsuite></testsuites>""",),
)  # fmt: skip

SHAPES = (PYTEST, XDIST, JEST, VITEST, NEWMAN, CUCUMBER, NODE, BEHAVE, ROBOT, GOTESTSUM, SUREFIRE, CTEST, GOOGLETEST,
          MOCHA, PHPUNIT, NUNIT, K6, BAZEL)  # fmt: skip

TRX = Shape(
    "trx", 1,
    HEAD + """<TestRun id="1" name="ann@ci 2026-11-29 10:00:00" runUser="ann" xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
<Times creation="2026-11-29T10:00:00.1+00:00" start="2026-11-29T10:00:00.1+00:00" finish="2026-11-29T10:00:01.1+00:00"/>
<Results>
<UnitTestResult executionId="e1" testId="t1" testName="Adds" computerName="ci" duration="00:00:00.0123456" testType="13cd" outcome="Passed"
testListId="8c84" relativeResultsDirectory="e1"><Output><StdOut>hello</StdOut></Output></UnitTestResult>
<UnitTestResult executionId="e2" testId="t2" testName="Shop.CartTests.Totals" duration="00:00:00.5000000" outcome="Failed"><Output>
<StdErr>warned</StdErr><ErrorInfo><Message>Assert.Equal() Failure</Message><StackTrace>at Shop.CartTests.Totals()</StackTrace></ErrorInfo>
</Output></UnitTestResult>
<UnitTestResult executionId="e3" testId="t3" testName="Later" outcome="NotExecuted"><Output><ErrorInfo><Message>not here</Message>
</ErrorInfo></Output></UnitTestResult>
<UnitTestResult executionId="e4" testId="t4" testName="Rows" outcome="Failed" resultType="DataDrivenTest"><InnerResults>
<UnitTestResult executionId="e5" testId="t4" testName="Rows (1)" outcome="Passed" resultType="DataDrivenDataRow"/>
<UnitTestResult executionId="e6" testId="t4" testName="Rows (2)" outcome="Timeout" resultType="DataDrivenDataRow"/>
</InnerResults></UnitTestResult>
</Results>
<TestDefinitions><UnitTest name="Adds" storage="/app/shop.dll" id="t1"><Execution id="e1"/><TestMethod codeBase="/app/shop.dll"
adapterTypeName="executor://mstestadapter/v2" className="Shop.CartTests" name="Adds"/></UnitTest>
<UnitTest name="Totals" id="t2"><TestMethod className="Shop.CartTests" name="Totals"/></UnitTest>
<UnitTest name="Rows" id="t4"><TestMethod className="Shop.RowTests, shop, Version=1.0" name="Rows"/></UnitTest></TestDefinitions>
<TestEntries><TestEntry testId="t1" executionId="e1" testListId="8c84"/></TestEntries>
<ResultSummary outcome="Failed"><Counters total="5" executed="4" passed="2" failed="2" error="0" timeout="1" aborted="0"
notExecuted="1"/><Output><StdOut>[xUnit.net] done</StdOut></Output></ResultSummary></TestRun>""",
    (HEAD + """<TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results><UnitTestResult testId="t1" testName="Adds"
outcome="Passed"/><UnitTestResult testId="t2" testName="Later" outcome="NotExecuted"/><UnitTestResult testId="t3" testName="Unsure"
outcome="Inconclusive"/></Results><ResultSummary outcome="Completed"><Counters total="3" executed="1" passed="1" failed="0" error="0"/>
<RunInfos><RunInfo computerName="ci" outcome="Warning" timestamp="2026-11-29T10:00:00"><Text>NUnit Adapter 4</Text></RunInfo></RunInfos>
</ResultSummary></TestRun>""",),
)  # fmt: skip
