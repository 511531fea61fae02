import Encodings
import Testing

@Suite("JSON values")
struct JSONObjectTests {
    @Test("members keep their order, also when replaced, removed and added")
    func order() {
        var object: JSONObject = ["b": 1, "a": 2, "c": 3]
        object["a"] = "x"
        #expect(object.names == ["b", "a", "c"])
        object["b"] = nil
        object["d"] = .null
        #expect(object.names == ["a", "c", "d"])
        #expect(object["d"] == .null)
        #expect(object["b"] == nil)
        #expect(object.contains("d") && !object.contains("b"))
    }

    @Test("an indexed object stays right when members are removed")
    func indexed() {
        var object = JSONObject((0..<50).map { ("n\($0)", JSONValue.int(Int64($0))) })
        for number in stride(from: 0, to: 50, by: 2) { object["n\(number)"] = nil }
        #expect(object.count == 25)
        for number in 0..<50 { #expect(object["n\(number)"] == (number % 2 == 0 ? nil : .int(Int64(number)))) }
    }

    @Test("equality and hash ignore the order of members")
    func equality() {
        let one: JSONValue = ["a": 1, "b": [1, ["c": .null]]]
        let other: JSONValue = ["b": [1, ["c": .null]], "a": 1]
        #expect(one == other)
        #expect(one.hashValue == other.hashValue)
        #expect(one != ["a": 1])
        #expect(one != ["a": 1, "b": [1, ["c": 0]]])
        #expect(JSONValue.int(1) != .double(1))
    }

    @Test("accessors answer only for their own kind")
    func accessors() {
        let value: JSONValue = ["s": "t", "i": 1, "d": 1.5, "b": true, "n": .null, "a": [1]]
        #expect(value["s"]?.stringValue == "t" && value["s"]?.intValue == nil)
        #expect(value["i"]?.intValue == 1 && value["i"]?.doubleValue == 1 && value["i"]?.uintValue == 1)
        #expect(value["d"]?.doubleValue == 1.5 && value["d"]?.intValue == nil)
        #expect(value["b"]?.boolValue == true && value["b"]?.intValue == nil)
        #expect(value["n"]?.isNull == true && value["a"]?.arrayValue == [1])
        #expect(value["missing"] == nil && value["s"]?["x"] == nil)
        #expect(JSONValue(UInt64.max).uintValue == .max && JSONValue(UInt64(7)) == .int(7))
    }

    @Test(
        "JSON pointers find what RFC 6901 section 5 says",
        arguments: [
            ("/foo", #"["bar","baz"]"#), ("/foo/0", #""bar""#), ("/", "0"), ("/a~1b", "1"), ("/c%d", "2"),
            ("/e^f", "3"), ("/g|h", "4"), ("/i\\j", "5"), ("/k\"l", "6"), ("/ ", "7"), ("/m~0n", "8"),
        ])
    func pointers(pointer: String, expected: String) throws {
        let document = try JSONValue(
            parsing:
                #"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#)
        #expect(document[pointer: pointer]?.serializedString() == expected)
        #expect(document[pointer: ""] == document)
        for bad in [
            "foo", "/foo/2", "/foo/-", "/foo/01", "/foo/bar", "/m~2n", "/m~", "/x", "/foo/99999999999999999999",
        ] {
            #expect(document[pointer: bad] == nil)
        }
    }
}
