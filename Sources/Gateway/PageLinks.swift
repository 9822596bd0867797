// Where the other pages are, and how many: to the letter what Spring Data REST writes.
import Contract
import Wire

struct PageLinks {
    let base: String
    let resource: Resource
    let query: ListQuery
    let total: Int

    private var totalPages: Int { (total + query.size - 1) / query.size }
    private var address: String { "\(base)/\(resource.name)" }

    /// `_links` and `page`.
    var members: JSONObject {
        let hasPrevious = query.page > 0
        let hasNext = query.page + 1 < totalPages
        var links = JSONObject()
        if hasPrevious || hasNext { links.append("first", page(0)) }
        if hasPrevious { links.append("prev", page(query.page - 1)) }
        links.append("self", HAL.link(selfAddress))
        if hasNext { links.append("next", page(query.page + 1)) }
        if hasPrevious || hasNext { links.append("last", page(max(0, totalPages - 1))) }
        links.append("profile", HAL.link("\(base)/profile/\(resource.name)"))
        if resource.hasSearches { links.append("search", HAL.link("\(address)/search")) }
        return [
            "_links": .object(links),
            "page": [
                "size": .integer(Int64(query.size)), "totalElements": .integer(Int64(total)),
                "totalPages": .integer(Int64(totalPages)), "number": .integer(Int64(query.page)),
            ],
        ]
    }

    private func page(_ number: Int) -> JSON {
        HAL.link("\(address)?page=\(number)&size=\(query.size)\(query.sortText)\(query.filterText(before: "&"))")
    }

    /// The originals name here what could still be said: everything for a client that said nothing, the order for one
    /// that asked for a page, nothing more for one that also gave an order.
    private var selfAddress: String {
        let filters = query.filterText(before: "?")
        if !query.sort.isEmpty { return address + filters }
        if query.isDefaultPage {
            return address + filters + (filters.isEmpty ? "{?page,size,sort}" : "{&page,size,sort}")
        }
        return address + filters + "{&sort}"
    }
}
