import Encodings
import KBSProtocol
import Testing

@Suite("Resource paths and URIs")
struct ResourcePathTests {
    @Test(
        "KBS 12.7.42: resource names that are accepted",
        arguments: ["default/1/2", "123--_default/1Abff-_/___-afds44BC", "1.ok/2ok./3...", "-/_/0"])
    func accepted(text: String) throws {
        let path = try ResourcePath(text)
        #expect(path.description == text)
        #expect(try ResourcePath(segments: path.segments) == path)
    }

    @Test(
        "KBS 12.7.42: resource names that are refused",
        arguments: ["/default/1/2", "default/1", "default/1/2/3", ".default/1/2", "default/.1/2", "default/1/.2", ""])
    func refused(text: String) {
        let error = #expect(throws: KBSProtocolError.self) { try ResourcePath(text) }
        #expect(error?.code == "invalid_resource_path")
    }

    @Test(
        "A37: nothing is normalised into a name",
        arguments: [
            "a/../b", "../a/b", "a/b/..", "a/%2e%2e/b", "a/b%2fc/d", "a//b", "a/b/", "a/b/c/", "/a/b/c", "a/b/c\u{0}",
            "a/b/\u{0}c", "a/b/c d", "a/b/с", "a/b/ｃ", "a/b/c\u{301}", "a/b/\u{212a}", "a\\b/c/d", "a/b/c?x", "a/b/c#x",
            "a/b/c;v", "a/b/c+d", "a/b/c~", "a/b/c\n",
        ])
    func notNormalised(text: String) {
        #expect(throws: KBSProtocolError.self) { try ResourcePath(text) }
    }

    @Test("A37: case matters")
    func caseSensitive() throws {
        #expect(try ResourcePath("a/b/C") != ResourcePath("a/b/c"))
    }

    @Test("a path of more than 1024 bytes is refused")
    func length() throws {
        let part = String(repeating: "a", count: 340)
        #expect(throws: Never.self) { try ResourcePath("\(part)/\(part)/\(part)aa") }
        #expect(throws: KBSProtocolError.self) { try ResourcePath("\(part)/\(part)/\(part)aaa") }
    }

    @Test(
        "GC 45: resource URIs are read and written in their normal form",
        arguments: [
            ("kbs:///a/b/c", "resource", "a/b/c", nil, "kbs:///a/b/c"),
            ("kbs+resource:///a/b/c", "resource", "a/b/c", nil, "kbs:///a/b/c"),
            ("kbs://host:8080/a/b/c", "resource", "a/b/c", nil, "kbs://host:8080/a/b/c"),
            ("kbs+plugin:///x/y?k=v&w", "plugin", "x/y", "k=v&w", "kbs+plugin:///x/y?k=v&w"),
            (
                "kbs+nebula-ca://h/credential?name=n", "nebula-ca", "credential", "name=n",
                "kbs+nebula-ca://h/credential?name=n"
            ),
        ] as [(String, String, String, String?, String)])
    func uris(text: String, plugin: String, path: String, query: String?, normal: String) throws {
        let uri = try ResourceURI(text)
        #expect(uri.plugin == plugin)
        #expect(uri.path == path)
        #expect(uri.query == query)
        #expect(uri.description == normal)
        #expect(try ResourceURI(normal) == uri)
        #expect(uri.requestTarget == "\(plugin)/\(path)" + (query.map { "?\($0)" } ?? ""))
    }

    @Test("GC 45: a foreign scheme and an empty plugin are refused with their words")
    func refusedURIs() {
        let scheme = #expect(throws: KBSProtocolError.self) { try ResourceURI("http:///a/b/c") }
        #expect(scheme?.message.contains("scheme must be kbs") == true)
        let plugin = #expect(throws: KBSProtocolError.self) { try ResourceURI("kbs+:///a/b/c") }
        #expect(plugin?.message.contains("requires a plugin name") == true)
    }

    @Test(
        "A37: irregular URIs are refused",
        arguments: [
            "", "kbs", "kbs:", "kbs:/a/b/c", "kbs://", "kbs:///", "kbs:////a/b/c", "kbs:///a//b", "kbs:///a/../b",
            "kbs:///a/b/c/", "kbs:///a/%2e/c", "kbs:///a/b/c#f", "kbs:///a/b c", "KBS:///a/b/c", "kbs+a/b:///c",
            "kbs+pl ugin:///c", "kbs+.:///c", "kbs+..:///c", "kbs:///a/./b", "kbs:///a\\b", "kbs:///..", "kbs:///a/b/с",
            "kbs:///a/b/c?x y", "kbs://ho st/a", "kbs://?/a/b",
        ])
    func irregularURIs(text: String) {
        let error = #expect(throws: KBSProtocolError.self) { try ResourceURI(text) }
        #expect(error?.code == "invalid_resource_uri")
    }

    @Test("a URI names a resource only when it is one of the resource plugin with three segments")
    func resourcePath() throws {
        #expect(try ResourceURI("kbs:///a/b/c").resourcePath() == ResourcePath("a/b/c"))
        #expect(throws: KBSProtocolError.self) { try ResourceURI("kbs:///a/b").resourcePath() }
        #expect(throws: KBSProtocolError.self) { try ResourceURI("kbs+x:///a/b/c").resourcePath() }
        #expect(try ResourceURI(path: "a/b/c").description == "kbs:///a/b/c")
        #expect(throws: KBSProtocolError.self) { try ResourceURI(path: "/a/b/c") }
    }
}
