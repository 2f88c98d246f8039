import type { HopRequest, HopResult, HopSendOptions } from '@rollcall/runtime'

/** What sends requests to hosts of a table: the hop, and a node's sender. */
export interface HostSender {
  has(host: string): boolean
  send(host: string, request: HopRequest, on: (result: HopResult) => void, o?: HopSendOptions): void
}

/** Sends by the first that knows a host; what none knows goes to the first, which says so. */
export function firstWay(ways: readonly [HostSender, ...HostSender[]]): HostSender {
  const wayTo = (host: string): HostSender | undefined => ways.find((way) => way.has(host))
  return {
    has: (host) => wayTo(host) !== undefined,
    send: (host, request, on, o) => (wayTo(host) ?? ways[0]).send(host, request, on, o),
  }
}
