import Encodings
import KubernetesTestSupport
import Testing

@testable import Kubernetes

@Suite("What a cache keeps of a namespace", .timeLimit(.minutes(5)))
struct BoundedObjectsTests {
    private static let bounds = CacheBounds(objectBytes: 20_000, namespaceBytes: 50_000, namespaceObjects: 5)

    private static func object(
        _ name: String, in namespace: String, _ spec: JSONValue, version: String = "1"
    ) -> KubernetesObject {
        var object = KubernetesObject(.pods, namespace: namespace, name: name)
        object.metadata["uid"] = .string(namespace + name)
        object.resourceVersion = version
        object.json["spec"] = .object(["value": spec])
        return object
    }

    /// As text 4,000 bytes, in memory more than twenty times as much.
    private static let sprawling = JSONValue.array(Array(repeating: .array([.int(0)]), count: 1_000))
    private static func text(_ length: Int) -> JSONValue { .string(String(repeating: "x", count: length)) }

    @Test("counts what an object takes in memory, and not the length of its text")
    func memory() {
        #expect(Self.sprawling.memoryBytes > 80_000)
        #expect((10_000..<10_200).contains(Self.text(10_000).memoryBytes))
    }

    @Test("of an object that is too large there is only what names it, and others are whole")
    func tooLarge() throws {
        let store = ObjectStore(bounds: Self.bounds)
        let changes = store.update(Self.object("large", in: "a", Self.sprawling))
        _ = store.update(Self.object("small", in: "a", .int(1)))
        let large = try #require(store[ObjectKey(namespace: "a", name: "large")])
        #expect(changes == [.added(large)])
        #expect(large.unreadable?.contains("20000 bytes") == true)
        #expect(large.spec == nil && large.uid == "alarge" && large.kind == "Pod")
        #expect(store[ObjectKey(namespace: "a", name: "small")]?.spec != nil)
        #expect(!store.isCrowded)
    }

    @Test("a namespace that is full costs its own objects, and none of another")
    func fullNamespace() throws {
        let store = ObjectStore(bounds: Self.bounds)
        for name in ["1", "2", "3", "4"] { _ = store.update(Self.object(name, in: "a", Self.text(15_000))) }
        _ = store.update(Self.object("1", in: "b", Self.text(15_000)))
        #expect(store.all.filter { $0.unreadable != nil }.map { "\(ObjectKey($0))" } == ["a/4"])
        #expect(store.isCrowded)

        // Once there is room, another reading finds it, although the object is the same version.
        _ = store.remove(Self.object("1", in: "a", .int(0)))
        var again = BoundedObjects(Self.bounds)
        for name in ["2", "3", "4"] { _ = again.put(Self.object(name, in: "a", Self.text(15_000))) }
        _ = again.put(Self.object("1", in: "b", Self.text(15_000)))
        let changes = store.replaceAll(again)
        #expect(changes.map(\.key.description) == ["a/4"])
        #expect(store[ObjectKey(namespace: "a", name: "4")]?.spec != nil)
        #expect(!store.isCrowded)
    }

    @Test("more objects than a namespace may have are not kept, but what is kept can still change")
    func tooMany() {
        let store = ObjectStore(bounds: Self.bounds)
        for number in 0..<1_000 { _ = store.update(Self.object("\(number)", in: "a", .int(1))) }
        _ = store.update(Self.object("0", in: "b", .int(1)))
        #expect(store.count == 6 && store.isCrowded)
        let changed = Self.object("0", in: "a", .int(2), version: "2")
        #expect(store.update(changed).count == 1)
        #expect(store[ObjectKey(namespace: "a", name: "0")] == changed)
        for number in 0..<5 { _ = store.remove(Self.object("\(number)", in: "a", .int(1))) }
        #expect(store.update(Self.object("new", in: "a", .int(1))).count == 1)
    }

    @Test("what is counted comes back when objects change and go")
    func accounts() {
        var objects = BoundedObjects(Self.bounds)
        for round in 0..<200 {
            let kept = objects.put(Self.object("\(round % 3)", in: "a", Self.text(15_000), version: "\(round)"))
            #expect(kept?.unreadable == nil)
            if round % 7 == 0 { objects.remove(ObjectKey(namespace: "a", name: "\(round % 3)")) }
        }
        #expect(!objects.isCrowded)
    }
}
