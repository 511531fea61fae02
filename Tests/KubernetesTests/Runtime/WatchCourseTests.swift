import Testing

@testable import Kubernetes

@Suite struct WatchCourseTests {
    private let start = ContinuousClock.now

    private func course(from version: String? = "100") -> WatchCourse {
        var course = WatchCourse(CacheSettings())
        if let version { course.reached(version) }
        return course
    }

    @Test func `An expired version is listed anew at once, and after a wait when that repeats within a minute`() {
        var course = course()
        #expect(course.failed(.watch, .expired, at: start, chance: 0.5) == .zero)
        #expect(course.resourceVersion == nil)
        course.reached("200")
        #expect(course.failed(.watch, .expired, at: start + .seconds(1), chance: 0.5) >= .milliseconds(800))
        course.reached("300")
        course.watchIsWell(at: start + .seconds(10))
        #expect(course.failed(.watch, .expired, at: start + .seconds(80), chance: 0.5) == .zero)
    }

    @Test func `Failures before do not delay the listing after an expired version`() {
        var course = course()
        for _ in 0..<10 { _ = course.failed(.watch, .broken, at: start, chance: 1) }
        #expect(course.failed(.watch, .expired, at: start, chance: 1) == .zero)
    }

    @Test func `A version that the server has not reached is asked for again, and only after a minute listed anew`() {
        var course = course()
        for second in 0..<60 {
            let wait = course.failed(.watch, .tooLarge, at: start + .seconds(second), chance: 0.5)
            #expect(wait >= .seconds(1) && wait <= .seconds(2))
            #expect(course.resourceVersion == "100")
        }
        _ = course.failed(.watch, .tooLarge, at: start + .seconds(61), chance: 0.5)
        #expect(course.resourceVersion == nil)
    }

    @Test func `Failures are waited out from 0.8 s to 30 s, and forgotten after a healthy minute`() {
        var course = course()
        var longest = Duration.zero
        for count in 0..<20 {
            let wait = course.failed(.watch, .broken, at: start, chance: 0.999)
            if count == 0 { #expect(wait > .milliseconds(800) && wait < .seconds(2)) }
            longest = max(longest, wait)
        }
        #expect(longest > .seconds(29) && longest <= .seconds(30))
        #expect(course.resourceVersion == "100")
        course.watchIsWell(at: start)
        #expect(course.failed(.watch, .broken, at: start + .seconds(59), chance: 0.999) > .seconds(29))
        course.watchIsWell(at: start + .seconds(100))
        #expect(course.failed(.watch, .broken, at: start + .seconds(161), chance: 0.999) < .seconds(2))
    }

    @Test func `What the server wants to be left alone is honoured, within reason`() {
        func wait(_ asked: Duration) -> Duration {
            var course = course()
            let error = KubernetesError(.throttled, statusCode: 429, message: "slow", retryAfter: asked)
            return course.failed(.watch, error, at: start, chance: 0)
        }
        #expect(wait(.seconds(17)) == .seconds(17))
        #expect(wait(.seconds(86_400)) == .seconds(300))
    }

    @Test func `A silent watch is opened again at once from where it was`() {
        var course = course()
        let error = KubernetesError(.watchIdle, message: "silent")
        #expect(course.failed(.watch, error, at: start, chance: 0.5) == .zero)
        #expect(course.resourceVersion == "100")
    }

    @Test(arguments: [KubernetesError.Kind.forbidden, .notFound])
    func `A missing role or definition is tried again slowly, and listed anew then`(kind: KubernetesError.Kind) {
        var course = course()
        var waits: [Duration] = []
        for _ in 0..<10 {
            waits.append(course.failed(.list, KubernetesError(kind, message: "no"), at: start, chance: 0.999))
        }
        #expect(waits[0] >= .seconds(2) && waits[9] > .seconds(59))
        #expect(course.resourceVersion == nil)
    }

    @Test func `Refused credentials are tried again from the same version`() {
        var course = course()
        let wait = course.failed(
            .watch, KubernetesError(.unauthorized, statusCode: 401, message: "no"), at: start, chance: 0)
        #expect(wait == .milliseconds(800))
        #expect(course.resourceVersion == "100")
    }

    @Test func `A watch that ends at once with nothing is not repeated in a hot loop`() {
        var course = course()
        func end() -> Duration { course.ended(.watch, after: .milliseconds(5), events: 0, at: start, chance: 0.5) }
        #expect(end() == .zero)
        #expect(end() >= .milliseconds(800))
        #expect(end() > .milliseconds(800))
        #expect(course.ended(.watch, after: .seconds(300), events: 0, at: start, chance: 0.5) == .zero)
        #expect(end() == .zero)
    }

    @Test(arguments: [
        KubernetesError.watchListDisabled, KubernetesError(.invalid, statusCode: 422, message: "forbidden field"),
    ])
    func `A server that refuses a WatchList is asked for lists for an hour`(error: KubernetesError) {
        var course = course(from: nil)
        #expect(course.failed(.initialEvents, error, at: start, chance: 0.5) == .zero)
        #expect(!course.usesWatchList(at: start + .seconds(3_599)))
        #expect(course.usesWatchList(at: start + .seconds(3_600)))
    }

    @Test func `One failure of the server's storage in passing does not end the use of WatchLists, two do for an hour`()
    {
        var course = course(from: nil)
        let moved = KubernetesError(.serverError, statusCode: 500, message: "etcdserver: leader changed")
        #expect(course.failed(.initialEvents, moved, at: start, chance: 0.5) > .zero)
        #expect(course.usesWatchList(at: start))
        #expect(course.failed(.initialEvents, moved, at: start, chance: 0.5) > .zero)
        #expect(!course.usesWatchList(at: start))
    }

    @Test func `Streams silent for longer than etcd is are a failure, and the collection is read anew`() {
        var course = course()
        let silent = KubernetesError(.watchIdle, message: "silent")
        // Five silent watches of 130 s; etcd reports its progress every 600 s.
        for _ in 0..<4 {
            course.watchIsWell(at: start)
            #expect(course.failed(.watch, silent, at: start + .seconds(130), chance: 0.5) == .zero)
            #expect(course.resourceVersion == "100" && !course.isUnheard)
        }
        course.watchIsWell(at: start)
        #expect(course.failed(.watch, silent, at: start + .seconds(130), chance: 0.5) >= .milliseconds(800))
        #expect(course.resourceVersion == nil && course.isUnheard && course.failures == 1)
        course.heard()
        course.reached("200")
        #expect(course.failed(.watch, silent, at: start + .seconds(260), chance: 0.5) == .zero)
        #expect(course.resourceVersion == "200")
    }

    @Test(arguments: [KubernetesError.Kind.serverError, .serverTimeout, .transport])
    func `A server that starts or ends and says for how long is left alone for so long`(kind: KubernetesError.Kind) {
        var course = course()
        let error = KubernetesError(kind, statusCode: 503, message: "ending", retryAfter: .seconds(20))
        #expect(course.failed(.watch, error, at: start, chance: 0) == .seconds(20))
    }

    @Test func `A WatchList that is cut off twice is not tried a third time`() {
        var course = course(from: nil)
        _ = course.ended(.initialEvents, after: .seconds(300), events: 5, at: start, chance: 0.5)
        #expect(course.usesWatchList(at: start))
        _ = course.failed(.initialEvents, KubernetesError(.watchIdle, message: "silent"), at: start, chance: 0.5)
        #expect(!course.usesWatchList(at: start))
    }

    @Test func `An overloaded server does not end the use of WatchLists`() {
        var course = course(from: nil)
        for _ in 0..<5 { _ = course.failed(.initialEvents, .broken, at: start, chance: 0.5) }
        #expect(course.usesWatchList(at: start))
    }
}
