import Testing

@testable import CEL

/// Kubernetes' libraries by the examples of its own documentation, and at their edges.
@Suite("CEL Kubernetes functions")
struct KubernetesFunctionTests {
    @Test(
        "lists",
        arguments: [
            "[1, 2, 3].isSorted()", "['a', 'b', 'b', 'c'].isSorted()", "![2.0, 1.0].isSorted()", "[1].isSorted()",
            "[].isSorted()", "[duration('1s'), duration('1m')].isSorted()", "[1, 3].sum() == 4",
            "[1.0, 3.0].sum() == 4.0",
            "[duration('1m'), duration('1s')].sum() == duration('1m1s')", "[].sum() == 0", "[1u, 2u].sum() == 3u",
            "[1, 3].min() == 1", "[1, 3].max() == 3", "[1].min() == 1", "([0] + []).min() == 0",
            "['b', 'a'].max() == 'b'", "[false, true].max()", "[1, 2, 2, 3].indexOf(2) == 1",
            "['a', 'b', 'b', 'c'].lastIndexOf('b') == 2", "[1.0].indexOf(1.1) == -1", "[].indexOf('string') == -1",
            "[[1], [2]].indexOf([2]) == 1", "dyn([1, 2.0, 3u]).indexOf(2u) == 1", "'tacocat'.indexOf('ac') == 1",
            "'tacocat'.lastIndexOf('a', 3) == 1", "[1, 2, 3].includes(2)", "![1, 2, 3].includes(4)",
            "'model-a'.includes('model-a')", "!'model-a'.includes('model-b')",
        ])
    func lists(source: String) throws { try expectTrue(source) }

    @Test(
        "regular expressions",
        arguments: [
            "'abc 123'.find('[0-9]+') == '123'", "'abc 123'.find('xyz') == ''",
            "'123 abc 456'.findAll('[0-9]+') == ['123', '456']", "'123 abc 456'.findAll('[0-9]+', 1) == ['123']",
            "'123 abc 456'.findAll('[0-9]+', 0) == []", "'123 abc 456'.findAll('[0-9]+', -1) == ['123', '456']",
            "'123 abc 456'.findAll('xyz') == []", "'größe 12 ß'.findAll('ß') == ['ß', 'ß']",
            // An empty match counts where nothing else matches, but not right behind a match.
            "'baab'.findAll('a*') == ['', 'aa', '']", "'é'.findAll('x*') == ['', '']", "''.findAll('') == ['']",
        ])
    func regularExpressions(source: String) throws { try expectTrue(source) }

    @Test(
        "URLs",
        arguments: [
            "isURL('https://user:pass@example.com:80/path?query=val#fragment')", "isURL('/absolute-path')",
            "!isURL('https://a:b:c/')", "!isURL('../relative-path')", "!isURL('')", "!isURL(':foo')",
            "!isURL('https://exa mple.com/')", "!isURL('https://example.com/%zz')", "!isURL('https://[::1/')",
            "isURL('mailto:a@b')", "!isURL('https://a\\tb/')", "url('/path').getScheme() == ''",
            "url('https://example.com/').getScheme() == 'https'", "url('HTTPS://example.com/').getScheme() == 'https'",
            "url('https://example.com:80/').getHost() == 'example.com:80'",
            "url('https://example.com/').getHost() == 'example.com'",
            "url('https://[::1]:80/').getHost() == '[::1]:80'", "url('https://[::1]/').getHost() == '[::1]'",
            "url('/path').getHost() == ''", "url('https://example.com:80/').getHostname() == 'example.com'",
            "url('https://127.0.0.1:80/').getHostname() == '127.0.0.1'",
            "url('https://[::1]:80/').getHostname() == '::1'", "url('/path').getHostname() == ''",
            "url('https://example.com:80/').getPort() == '80'", "url('https://example.com/').getPort() == ''",
            "url('https://[::1]/').getPort() == ''", "url('/path').getPort() == ''",
            "url('https://user@evil@example.com/').getHost() == 'example.com'",
            "url('https://example.com/path').getEscapedPath() == '/path'",
            "url('https://example.com/path with spaces/').getEscapedPath() == '/path%20with%20spaces/'",
            "url('https://example.com/a%2Fb').getEscapedPath() == '/a%2Fb'",
            "url('https://example.com').getEscapedPath() == ''",
            "url('https://example.com/path#frag').getEscapedPath() == '/path'",
            "url('https://example.com/path?k1=a&k2=b&k2=c').getQuery() == {'k1': ['a'], 'k2': ['b', 'c']}",
            "url('https://example.com/path?key with spaces=value+with%20spaces').getQuery() == "
                + "{'key with spaces': ['value with spaces']}",
            "url('https://example.com/path?').getQuery() == {}", "url('https://example.com/path').getQuery() == {}",
            "url('https://a/?x=1;y=2&z').getQuery() == {'z': ['']}",
            "url('https://a/b?c') == url('https://a/b?c')", "url('https://a/b') != url('https://a/c')",
        ])
    func urls(source: String) throws { try expectTrue(source) }

    @Test("A36: a combining mark behind a separator does not hide it from the URL reader")
    func combiningMarks() throws {
        try expectTrue("url('https://good.example\\u0301/').getHost() == 'good.example\\u0301'")
        try expectTrue("url('https://a@\\u0301b/').getHostname() == '\\u0301b'")
        try expectTrue("url('https://a/b#\\u0301c').getEscapedPath() == '/b'")
    }

    @Test(
        "quantities",
        arguments: [
            "isQuantity('20')", "isQuantity('1.3G')", "isQuantity('1.3Gi')", "!isQuantity('1,3G')",
            "isQuantity('10000k')",
            "!isQuantity('200K')", "!isQuantity('Three')", "!isQuantity('Mi')", "!isQuantity('10Mo')",
            "!isQuantity('10Mm')", "!isQuantity('')", "!isQuantity(' 1')", "!isQuantity('1e')", "!isQuantity('--1')",
            "isQuantity('+.5')", "isQuantity('1.')", "quantity('50000000G').isInteger()", "quantity('50k').isInteger()",
            "!quantity('9999999999999999999999999999999999999G').isInteger()", "!quantity('1.5').isInteger()",
            "quantity('1.5k').asInteger() == 1500", "quantity('50k').asInteger() == 50000",
            "quantity('-9223372036854775808').asInteger() == -9223372036854775808",
            "quantity('9223372036854775807').asInteger() == 9223372036854775807",
            "quantity('50k').sub(20000).asApproximateFloat() == 30000.0",
            "quantity('50.703k').asApproximateFloat() == 50703.0",
            "quantity('50k').add(quantity('20k')) == quantity('70k')",
            "quantity('50k').add(20) == quantity('50020')", "quantity('50k').sub(quantity('20k')) == quantity('30k')",
            "quantity('50k').add(20).sub(quantity('100k')).sub(-50000) == quantity('20')",
            "quantity('50k').add(20).sub(quantity('100k')).asInteger() == -49980",
            "quantity('200M').compareTo(quantity('0.2G')) == 0", "quantity('50M').compareTo(quantity('50Mi')) == -1",
            "quantity('50Mi').compareTo(quantity('50M')) == 1", "quantity('150Mi').isGreaterThan(quantity('100Mi'))",
            "!quantity('50Mi').isGreaterThan(quantity('100Mi'))", "quantity('50M').isLessThan(quantity('100M'))",
            "!quantity('100M').isLessThan(quantity('50M'))", "quantity('-2').isLessThan(quantity('-1'))",
            "quantity('1').sign() == 1 && quantity('-1m').sign() == -1 && quantity('-0').sign() == 0",
            "sign(quantity('3n')) == 1", "quantity('1e3') == quantity('1k')", "quantity('1E3') == quantity('1k')",
            "quantity('1E') == quantity('1e18')", "quantity('0.5Ki') == quantity('512')",
            // Finer than a nano is rounded away from zero; binary suffixes end at 2^63 - 1.
            "quantity('0.1n') == quantity('1n')", "quantity('-0.1n') == quantity('-1n')",
            "quantity('100Ei').asInteger() == 9223372036854775807",
            "quantity('1').sub(quantity('1n')) == quantity('0.999999999')",
        ])
    func quantities(source: String) throws { try expectTrue(source) }

    @Test(
        "semantic versions",
        arguments: [
            "isSemver('1.0.0')", "!isSemver('hello')", "!isSemver('v1.0')", "isSemver('v1.0', true)",
            "isSemver('1.0', true)", "isSemver('01.01.01', true)", "!isSemver('01.01.01')", "!isSemver('200K')",
            "!isSemver('1.0-alpha', true)", "isSemver('1.0.0-alpha', true)", "!isSemver('vv1', true)",
            "!isSemver('1.2.3.4')", "!isSemver('1.2.3-')", "!isSemver('1.2.3-01')", "isSemver('1.2.3-0a.-')",
            "!isSemver('1.2.3+')", "isSemver('1.2.3+001')", "!isSemver('99999999999999999999.0.0')", "!isSemver('')",
            "semver('v1.0.0', true) == semver('1.0.0')", "semver('1.0', true) == semver('1.0.0')",
            "semver('01.01.01', true) == semver('1.1.1')", "semver('1.2.3').major() == 1",
            "semver('1.2.3').minor() == 2", "semver('1.2.3').patch() == 3",
            "semver('1.2.3').compareTo(semver('1.2.3')) == 0", "semver('1.2.3').compareTo(semver('2.0.0')) == -1",
            "semver('1.2.3').compareTo(semver('0.1.2')) == 1", "semver('1.2.3').isLessThan(semver('1.10.0'))",
            "semver('1.0.0').isGreaterThan(semver('1.0.0-rc.1'))", "semver('1.0.0+a') == semver('1.0.0+b')",
            // The order of section 11.
            "['1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11', "
                + "'1.0.0-rc.1', '1.0.0'].all(i, v, i == 0 || semver(v).isGreaterThan(semver('1.0.0-alpha')))",
            "semver('1.0.0-beta.2').isLessThan(semver('1.0.0-beta.11'))",
            "semver('1.0.0-alpha.1').isLessThan(semver('1.0.0-alpha.beta'))",
            "semver('1.0.0-alpha').isLessThan(semver('1.0.0-alpha.1'))",
        ])
    func versions(source: String) throws { try expectTrue(source) }

    @Test(
        "named formats",
        arguments: [
            "!format.dns1123Label().validate('my-label-name').hasValue()",
            "format.dns1123Label().validate('My-label').hasValue()", "format.dns1123Label().validate('').hasValue()",
            "format.dns1123Label().validate('a-').hasValue()", "!format.dns1123LabelPrefix().validate('a-').hasValue()",
            "!format.dns1123Subdomain().validate('apiextensions.k8s.io').hasValue()",
            "format.dns1123Subdomain().validate('a..b').hasValue()",
            "!format.dns1123SubdomainPrefix().validate('mysubdomain.prefix.-').hasValue()",
            "!format.dns1035Label().validate('my-label-name').hasValue()",
            "format.dns1035Label().validate('1abc').hasValue()",
            "!format.dns1035LabelPrefix().validate('my-label-prefix-').hasValue()",
            "!format.qualifiedName().validate('apiextensions.k8s.io/v1beta1').hasValue()",
            "format.qualifiedName().validate('a/b/c').hasValue()", "format.qualifiedName().validate('/b').hasValue()",
            "!format.labelValue().validate('').hasValue()", "format.labelValue().validate('-a').hasValue()",
            "!format.uri().validate('http://example.com').hasValue()", "format.uri().validate('../a').hasValue()",
            "!format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue()",
            "format.uuid().validate('123e4567').hasValue()", "!format.byte().validate('aGVsbG8=').hasValue()",
            "format.byte().validate('aGVsbG8').hasValue()", "format.byte().validate('').hasValue()",
            "!format.date().validate('2021-01-01').hasValue()", "format.date().validate('2021-02-29').hasValue()",
            "!format.datetime().validate('2021-01-01T00:00:00Z').hasValue()",
            "!format.datetime().validate('2021-01-01t23:59:59.5+01:00').hasValue()",
            "format.datetime().validate('2021-01-01T24:00:00Z').hasValue()",
            "format.named('uuid').value().validate('x').value()[0].size() > 0", "!format.named('nothing').hasValue()",
            "format.named('uri').value() == format.uri()",
        ])
    func formats(source: String) throws { try expectTrue(source) }

    @Test(
        "what cannot be read or asked for is an error",
        arguments: [
            "[].min()", "[1, 'a'].max()", "['a'].sum()", "[1, 2.0].sum()", "[[1], [2]].isSorted()", "url('../a')",
            "'a'.find('(')", "quantity('10Mo')", "quantity('9999999999999999999999999999999999999G').asInteger()",
            "quantity('1.5').asInteger()", "semver('Three')", "semver('v1.0')",
            "semver('9223372036854775808.0.0').major()", "quantity('1').compareTo(semver('1.0.0'))",
        ])
    func errors(source: String) throws {
        let environment = CELEnvironment(isChecked: false)
        #expect(throws: CELError.self) { try CELProgram(source, environment: environment).evaluate() }
    }

    @Test(
        "the checker knows the types",
        arguments: [
            "isQuantity([1, 2, 3])", "quantity('1').add('1')", "quantity('1') == '1'",
            "semver('1.0.0').isLessThan('2.0.0')",
            "quantity('1').compareTo(semver('1.0.0'))", "url('/a').getPort() == 80", "['a', 'b'].sum()", "[[1]].min()",
            "'a'.findAll('b') == 'c'", "semver('1.0.0', 'yes')", "format.uuid().validate(1)", "[1].indexOf('a')",
            "cidr('10.0.0.0/8') == ip('10.0.0.1')", "1.isSorted()",
        ])
    func types(source: String) throws {
        let error = #expect(throws: CELError.self) { try CELProgram(source) }
        #expect(error?.code == "no_such_overload", "\(source)")
    }

    @Test("the sum of no elements is the zero of their type")
    func emptySums() throws {
        try expectTrue("[1.5].filter(x, x > 2.0).sum() + 1.5 == 1.5 && [1u].filter(x, x > 2u).sum() + 1u == 1u")
        try expectTrue(
            "[duration('1s')].filter(x, false).sum() == duration('0s') && [1].filter(x, false).sum() + 1 == 1")
        try expectTrue("[1.5, -1.5].sum() + 1.0 == 1.0 && [[1.0], []].map(l, l.sum()) == [1.0, 0.0]")
        #expect(try CELProgram("dyn([]).sum()").evaluate() == 0)
    }

    @Test("types of the libraries have names")
    func typeNames() throws {
        try expectTrue("type(quantity('1')) == kubernetes.Quantity && type(url('/a')) == kubernetes.URL")
        try expectTrue("type(semver('1.0.0')) == kubernetes.Semver && type(format.uri()) == kubernetes.NamedFormat")
        #expect(try CELProgram("[duration('1s')].sum()").resultType == .duration)
        #expect(try CELProgram("url('/a').getQuery()").resultType == .map(.string, .list(.string)))
    }

    private func expectTrue(_ source: String) throws { #expect(try CELProgram(source).evaluate() == true, "\(source)") }
}
