import Encodings
import RATS
import Testing

@testable import Policy

@Suite("Whose fault a conflict is")
struct PolicyConflictTests {
    private func values(_ name: String, _ names: [String], namespace: String = "shop") throws -> PolicyDocument {
        let entries = names.map { "    - {name: \"\($0)\", value: 1}\n" }.joined()
        let yaml = """
            apiVersion: claviger.dev/v1alpha1
            kind: ReferenceValues
            metadata: {name: \(name), namespace: \(namespace)}
            spec:
              values:
            \(entries)
            """
        return try #require(try PolicyParser.parse(yaml, source: name).first)
    }

    private func refused(
        _ changes: [PolicyConflicts.Change], beside others: [PolicyDocument] = [],
        registered: ReferenceValues = ReferenceValues()
    ) -> [String] {
        let found = PolicyConflicts.refusals(of: changes, beside: others, registered: registered).keys.sorted()
        let left = changes.indices.filter { !found.contains($0) }.map { changes[$0].document }
        let former = found.compactMap { changes[$0].former }
        #expect(throws: Never.self) { try PolicyBundle(others + left + former, registered: registered) }
        return found.map { changes[$0].document.name }
    }

    @Test("what stays as it is keeps its names; of newcomers that want the same name none gets it")
    func owners() throws {
        let changes = [
            PolicyConflicts.Change(try values("a", ["x"]), former: nil),
            PolicyConflicts.Change(try values("b", ["y"]), former: nil),
            PolicyConflicts.Change(try values("c", ["y", "z"]), former: nil),
            PolicyConflicts.Change(try values("d", ["q"]), former: nil),
        ]
        #expect(refused(changes, beside: [try values("o", ["x"])]) == ["a", "b", "c"])
    }

    @Test("two documents may swap a name, unless one of them is refused for another reason")
    func swap() throws {
        let swap = [
            PolicyConflicts.Change(try values("a", ["y"]), former: try values("a", ["x"])),
            PolicyConflicts.Change(try values("b", ["x"]), former: try values("b", ["y"])),
        ]
        #expect(refused(swap) == [])
        let hindered = [
            PolicyConflicts.Change(try values("a", ["y", "taken"]), former: try values("a", ["x"])), swap[1],
        ]
        #expect(refused(hindered, beside: [try values("o", ["taken"])]) == ["a", "b"])
    }

    @Test("a chain of a thousand documents that each need the next one's name is settled at once, in either order")
    func chain() throws {
        var changes: [PolicyConflicts.Change] = []
        for index in 0..<1_000 {
            let names = index == 0 ? ["n1", "taken"] : ["n\(index + 1)"]
            changes.append(.init(try values("d\(index)", names), former: try values("d\(index)", ["n\(index)"])))
        }
        let others = [try values("o", ["taken"])]
        // Each gives up its name to the one before: the first is refused and keeps n0, which nobody else wants.
        #expect(refused(changes, beside: others) == ["d0"])
        var backwards: [PolicyConflicts.Change] = []
        for index in 0..<1_000 {
            let names = index == 0 ? ["free", "taken"] : ["n\(index - 1)"]
            backwards.append(.init(try values("d\(index)", names), former: try values("d\(index)", ["n\(index)"])))
        }
        #expect(refused(backwards, beside: others).count == 1_000)
        #expect(refused(backwards.reversed(), beside: others).count == 1_000)
    }

    @Test("names of other namespaces, and revocations, are nobody's conflict")
    func noConflict() throws {
        let changes = [
            PolicyConflicts.Change(try values("a", ["x"]), former: nil),
            PolicyConflicts.Change(try values("a", ["x"], namespace: "vault"), former: nil),
        ]
        #expect(refused(changes, registered: ReferenceValues(["x": 1])) == [])
    }

    @Test("the name that a text gives itself is read also when nothing else of it is right")
    func names() {
        let broken = "kind: Whatever\nmetadata: {name: a, namespace: b, more: [1]}\nnonsense: yes"
        #expect(
            PolicyDocumentName(readingFrom: broken)
                == PolicyDocumentName(kind: "Whatever", namespace: "b", name: "a"))
        let json = #"{"kind":"AppraisalPolicy","metadata":{"name":"a"}}"#
        #expect(
            PolicyDocumentName(readingFrom: json)
                == PolicyDocumentName(kind: "AppraisalPolicy", namespace: nil, name: "a"))
        for text in ["", "{{{", "kind: a", "kind: a\nmetadata: {name: 5}", "kind: a\nmetadata: {name: \"a\\nb\"}"] {
            #expect(PolicyDocumentName(readingFrom: text) == nil)
        }
    }
}
