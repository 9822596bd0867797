// The metrics page: what this process saw, and what the workers say.
import Platform
import Testing
import Wire

@testable import Gateway

@Suite struct MetricsTests {
    @Test("Requests are counted by route, method and status, never by path")
    func requests() async throws {
        let bench = try await Bench().seeded()
        _ = try await bench.ask("GET /books/1")
        _ = try await bench.ask("GET /books/2")
        _ = try await bench.ask("GET /books/999")
        _ = try await bench.ask("BREW /books/1")
        _ = try await bench.ask("GET /etc/passwd")
        let text = try await bench.ask("GET /metrics").text
        let labels = #"instance="gateway-0",route="/books/{bookId}""#
        #expect(text.contains("http_requests_total{\(labels),method=\"GET\",status=\"200\"} 2\n"))
        #expect(text.contains("http_requests_total{\(labels),method=\"GET\",status=\"404\"} 1\n"))
        #expect(text.contains("http_requests_total{\(labels),method=\"other\",status=\"405\"} 1\n"))
        #expect(text.contains(#"route="unmatched",method="GET",status="404"} 1"#))
        #expect(text.contains("http_request_duration_seconds_bucket{\(labels),le=\"+Inf\"} 4\n"))
        #expect(text.contains("http_request_duration_seconds_count{\(labels)} 4\n"))
        #expect(!text.contains("passwd"))
        #expect(text.contains(#"requester_breakers{instance="gateway-0",name="order",state="closed"} 1"#))
        #expect(text.contains(#"requester_in_flight{instance="gateway-0"} 0"#))
        try expectWellFormed(text)
    }

    @Test("Heartbeats become metrics, and silent workers are forgotten")
    func heartbeats() async throws {
        let bench = Bench()
        let beat = """
            {"instance":"order-0","service":"order","time":1,"ready":true,"counters":{"requests_total":5,"deadLetters":0},
             "gauges":{"parked":2,"ratio":0.5},"breakers":[{"target":"customer","state":"open"}],
             "shards":[{"shard":3,"lag":7}]}
            """
        let now = Clock.monotonicMilliseconds()
        bench.edge.telemetry.hear(Array(beat.utf8), nowMilliseconds: now)
        for garbage in [
            "", "{", "[]", "{}", #"{"instance":7}"#, #"{"instance":"x","shards":[1],"gauges":[],"counters":3}"#,
        ] {
            bench.edge.telemetry.hear(Array(garbage.utf8), nowMilliseconds: now)
        }
        let text = try await bench.ask("GET /metrics").text
        let labels = #"service="order",instance="order-0""#
        for line in [
            "worker_up{\(labels)} 1", "worker_ready{\(labels)} 1", "worker_requests_total{\(labels)} 5",
            "worker_dead_letters_total{\(labels)} 0", "worker_parked{\(labels)} 2", "worker_ratio{\(labels)} 0.5",
            "worker_breaker{\(labels),target=\"customer\",state=\"open\"} 1", "shard_lag{\(labels),shard=\"3\"} 7",
        ] { #expect(text.contains(line + "\n"), "\(line)") }
        try expectWellFormed(text)
        var later = PrometheusText()
        bench.edge.telemetry.add(to: &later, nowMilliseconds: now + 61_000)
        #expect(later.text.isEmpty)
    }

    /// Every family is declared once, before its samples, and every sample belongs to the family above it.
    private func expectWellFormed(_ text: String) throws {
        var family = ""
        var seen: Set<String> = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# TYPE ") {
                family = String(line.split(separator: " ")[2])
                #expect(seen.insert(family).inserted, "\(family) twice")
            } else if !line.hasPrefix("#") {
                #expect(line.hasPrefix(family), "\(line)")
                #expect(Double(line.split(separator: " ").last ?? "") != nil, "\(line)")
            }
        }
    }

    @Test(
        "Names fit Prometheus",
        arguments: [
            ("batchSize", "batch_size"), ("requests_total", "requests_total"), ("HTTPCode", "httpcode"),
            ("a-b.c", "a_b_c"),
        ])
    func names(text: String, name: String) { #expect(PrometheusText.name(text) == name) }
}
