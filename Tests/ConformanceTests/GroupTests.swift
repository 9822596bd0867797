// Consumer groups: who is in, and who is out.
import Foundation
import TestSupport
import Testing

@testable import Broker

@Suite struct GroupTests {
    @Test(arguments: BrokerUnderTest.all)
    func aLoneMemberJoinsSyncsBeatsAndLeaves(_ broker: BrokerUnderTest) throws {
        let (client, group) = (try broker.client(), unique("g"))
        let first = try client.join(group)
        #expect(first.code == 79 && !first.memberId.isEmpty)
        let joined = try client.join(group, memberId: first.memberId)
        #expect(joined.code == 0 && joined.generation == 1 && joined.leader == joined.memberId)
        #expect(joined.members == [joined.memberId] && joined.protocolName == "range")
        #expect(try client.heartbeat(group, joined) == 0)
        #expect(try client.sync(group, joined, assignments: [joined.memberId: "mine"]) == (0, "mine"))
        #expect(try client.heartbeat(group, joined) == 0)
        let described = try client.describe(group)
        #expect(described.state == "Stable" && described.protocolName == "range")
        #expect(described.members == [joined.memberId])
        #expect(try client.listGroups().contains(group))
        var stale = joined
        stale.generation = 7
        #expect(try client.heartbeat(group, stale) == 22)
        #expect(try client.sync(group, stale).code == 22)
        #expect(try client.leave(group, "nobody") == 25)
        #expect(try client.leave(group, joined.memberId) == 0)
        #expect(try client.heartbeat(group, joined) == 25)
        #expect(try client.describe(group).state == "Empty")
        #expect(try client.describe(unique("absent")).state == "Dead")
    }

    @Test(arguments: BrokerUnderTest.all)
    func senselessMembersAreRefused(_ broker: BrokerUnderTest) throws {
        let (client, group) = (try broker.client(), unique("g"))
        #expect(try client.join("").code == 24)
        #expect(try client.join(group, session: 1).code == 26)
        #expect(try client.join(group, memberId: "made up").code == 25)
        #expect(try client.join(group, protocols: []).code == 23)
        let joined = try client.joinWithId(group, protocols: ["range", "roundrobin"])
        #expect(joined.code == 0)
        let other = try broker.client()
        #expect(try other.join(group, protocols: ["unheard of"]).code == 23)
        #expect(try other.join(group, type: "connect").code == 23)
    }

    @Test(arguments: BrokerUnderTest.all)
    func theProtocolEverybodyKnowsIsChosen(_ broker: BrokerUnderTest) throws {
        let (one, two, group) = (try broker.client(), try broker.client(), unique("g"))
        let alone = try one.joinWithId(group, protocols: ["cooperative-sticky", "range"])
        #expect(alone.protocolName == "cooperative-sticky")
        #expect(try one.sync(group, alone, assignments: [alone.memberId: "x"]).code == 0)
        let id = try two.join(group, protocols: ["range"]).memberId
        try two.sendJoin(group, memberId: id, protocols: ["range"])
        try eventually { try one.heartbeat(group, alone) == 27 }
        let again = try one.join(group, memberId: alone.memberId, protocols: ["cooperative-sticky", "range"])
        let joined = try two.receiveJoin()
        #expect(again.protocolName == "range" && joined.protocolName == "range")
        #expect(again.generation == 2 && joined.generation == 2)
        #expect(Set(again.members) == [alone.memberId, id] && joined.members == [] && joined.leader == alone.memberId)
        try two.sendSync(group, joined)
        #expect(try one.sync(group, again, assignments: [alone.memberId: "a", id: "b"]) == (0, "a"))
        #expect(try two.receiveSync() == (0, "b"))
        // One leaves: the other is told with its next heartbeat.
        #expect(try two.leave(group, id) == 0)
        #expect(try one.heartbeat(group, again) == 27)
    }

    @Test(
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: "/usr/bin/kcat"), "needs kcat as cooperative members"),
        arguments: BrokerUnderTest.all)
    func cooperativeMembersShareATopic(_ broker: BrokerUnderTest) throws {
        let (client, group) = (try broker.client(), unique("g"))
        let topic = try broker.topic(partitions: 4)
        let arguments = [
            "-b", try broker.bootstrap, "-G", group, "-X", "partition.assignment.strategy=cooperative-sticky", "-X",
            "session.timeout.ms=3000", "-X", "heartbeat.interval.ms=500", topic,
        ]
        var members: [Process] = []
        // kcat may hang when it is asked to end.
        defer {
            for member in members {
                kill(member.processIdentifier, SIGKILL)
                member.waitUntilExit()
            }
        }
        for count in 1...2 {
            let member = Process()
            member.executableURL = URL(fileURLWithPath: "/usr/bin/kcat")
            member.arguments = arguments
            member.standardOutput = FileHandle.nullDevice
            member.standardError = FileHandle.nullDevice
            try member.runLeashed()
            members.append(member)
            try eventually(timeout: 30, "\(count) members") {
                let described = try client.describe(group)
                return described.state == "Stable" && described.members.count == count
                    && described.protocolName == "cooperative-sticky"
            }
        }
    }

    @Test(arguments: BrokerUnderTest.all)
    func silenceEndsAMembership(_ broker: BrokerUnderTest) throws {
        let (one, two, group) = (try broker.client(), try broker.client(), unique("g"))
        let silent = try one.joinWithId(group, session: 1000)
        #expect(try one.sync(group, silent, assignments: [silent.memberId: "x"]).code == 0)
        one.close()
        let joined = try two.joinWithId(group, session: 6000, rebalance: 60_000)
        #expect(joined.code == 0 && joined.members == [joined.memberId])
        #expect(try two.sync(group, joined, assignments: [joined.memberId: "y"]) == (0, "y"))
    }

    @Test(arguments: BrokerUnderTest.all)
    func aRebalanceDoesNotWaitForEver(_ broker: BrokerUnderTest) throws {
        let (one, two, group) = (try broker.client(), try broker.client(), unique("g"))
        let slow = try one.joinWithId(group, session: 30_000, rebalance: 1500)
        #expect(try one.sync(group, slow, assignments: [slow.memberId: "x"]).code == 0)
        // The slow member beats but does not join again within its rebalance timeout.
        let id = try two.join(group, session: 30_000, rebalance: 1500).memberId
        try two.sendJoin(group, memberId: id, session: 30_000, rebalance: 1500)
        try eventually { try one.heartbeat(group, slow) == 27 }
        let joined = try two.receiveJoin()
        #expect(joined.code == 0 && joined.members == [id])
        #expect(try one.heartbeat(group, slow) == 25)
    }

    @Test(arguments: BrokerUnderTest.all)
    func aMemberInAHurryHoldsUpNobody(_ broker: BrokerUnderTest) throws {
        let (client, group) = (try broker.client(), unique("g"))
        #expect(try client.join(group, instance: "a", session: 1000, rebalance: 0).code == 0)
        #expect(try client.metadata([]).brokers == 1)
        #expect(try broker.client().metadata([]).brokers == 1)
        // It never asked for its assignment and is not heard of again.
        try eventually { try client.describe(group).state == "Empty" }
    }

    @Test(arguments: BrokerUnderTest.all)
    func aStaticMemberComesBackToItsPlaceUnnoticed(_ broker: BrokerUnderTest) throws {
        let (one, two, group) = (try broker.client(), try broker.client(), unique("g"))
        let a = try one.join(group, instance: "a")
        #expect(a.code == 0)
        #expect(try one.sync(group, a, instance: "a", assignments: [a.memberId: "A1"]) == (0, "A1"))
        try two.findCoordinator(group, transaction: false)
        try two.sendJoin(group, instance: "b")
        try eventually { try one.heartbeat(group, a, instance: "a") == 27 }
        let a2 = try one.join(group, memberId: a.memberId, instance: "a")
        let b = try two.receiveJoin()
        #expect(a2.generation == 2 && b.generation == 2)
        try two.sendSync(group, b, instance: "b")
        let plan = [a2.memberId: "A2", b.memberId: "B2"]
        #expect(try one.sync(group, a2, instance: "a", assignments: plan) == (0, "A2"))
        #expect(try two.receiveSync() == (0, "B2"))
        // b restarts: a new process, no member id, the same name.
        let reborn = try broker.client()
        let b2 = try reborn.join(group, instance: "b")
        #expect(b2.code == 0 && b2.generation == 2 && b2.memberId != b.memberId && b2.members == [])
        #expect(try reborn.sync(group, b2, instance: "b") == (0, "B2"))
        #expect(try one.heartbeat(group, a2, instance: "a") == 0)
        // The leader restarts: it does not lead again, nobody notices.
        let leader = try broker.client()
        let a3 = try leader.join(group, instance: "a")
        #expect(a3.code == 0 && a3.generation == 2 && a3.leader != a3.memberId)
        #expect(try leader.sync(group, a3, instance: "a") == (0, "A2"))
        #expect(try reborn.heartbeat(group, b2, instance: "b") == 0)
        // The ones before are fenced.
        #expect(try two.heartbeat(group, b, instance: "b") == 82)
        #expect(try two.sync(group, b, instance: "b").code == 82)
        #expect(try two.join(group, memberId: b.memberId, instance: "b").code == 82)
        // An operator removes a static member by its name.
        #expect(try reborn.leaveStatic(group, instance: "a") == 0)
        #expect(try reborn.heartbeat(group, b2, instance: "b") == 27)
    }

    @Test(arguments: BrokerUnderTest.all)
    func offsetsAreCommittedByMembersAndByNobodyElse(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let (client, group) = (try broker.client(), unique("g"))
        #expect(try client.committed(group, topic) == (0, -1))
        #expect(try client.commit(.init(group: group), topic, offset: 3) == 0)
        #expect(try client.committed(group, topic) == (0, 3))
        #expect(try client.commit(.init(group: group), unique("absent"), offset: 3) == 3)
        let limit = String(repeating: "ü", count: 4096)
        #expect(try client.commit(.init(group: group), topic, offset: 3, metadata: limit) == 0)
        #expect(try client.commit(.init(group: group), topic, offset: 3, metadata: limit + "x") == 12)
        // The group without a name, as consumers of long ago had it, commits and has no members.
        #expect(try client.commit(.init(group: ""), topic, offset: 8) == 0)
        #expect(try client.committed("", topic) == (0, 8))
        #expect(try client.joinWithId("").code == 24)
        #expect(try client.commit(.init(group: unique("g"), generation: 4, id: "x"), topic, offset: 3) == 22)
        let joined = try client.joinWithId(group)
        var member = RawClient.GroupMember(group: group, generation: joined.generation, id: joined.memberId)
        #expect(try client.commit(member, topic, offset: 4) == 27)
        #expect(try client.sync(group, joined, assignments: [joined.memberId: "x"]).code == 0)
        #expect(try client.commit(member, topic, offset: 4) == 0)
        #expect(try client.commit(.init(group: group), topic, offset: 9) == 25)
        member.generation += 1
        #expect(try client.commit(member, topic, offset: 9) == 22)
        member.id = "somebody"
        #expect(try client.commit(member, topic, offset: 9) == 25)
        #expect(try client.committed(group, topic) == (0, 4))
    }
}
