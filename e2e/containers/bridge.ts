import { networkInterfaces } from 'node:os'
import { run } from '@rollcall/deploy/local/tool.ts'
import type { ContainerRuntimeClient } from 'testcontainers'

const IP_MS_MAX = 10_000
/** Nobody's usual choice; the first third octet that is free is taken. */
const PREFIX = '10.213'
const OCTETS_MAX = 200

/**
 * A Docker network of our own, with addresses that we choose: containers have fixed ones, and so have UEs and attackers, which
 * live on this machine. They speak without any translation between, so that each end sees the other's own address: a P-CSCF
 * compares it with the Via.
 */
export class Bridge {
  readonly name: string
  readonly #net: string

  private constructor(name: string, net: string) {
    this.name = name
    this.#net = net
  }

  /** @param name also of the bridge device: at most 15 letters. */
  static async create(client: ContainerRuntimeClient, name: string): Promise<Bridge> {
    const taken = Object.values(networkInterfaces()).flatMap(
      (addresses) => addresses?.map(({ address }) => address) ?? [],
    )
    for (let octet = 0; octet < OCTETS_MAX; octet++) {
      const net = `${PREFIX}.${octet}`
      if (taken.some((address) => address.startsWith(`${net}.`))) continue
      await client.network.create({
        Name: name,
        Driver: 'bridge',
        IPAM: { Driver: 'default', Config: [{ Subnet: `${net}.0/24`, Gateway: `${net}.1` }] },
        Options: { 'com.docker.network.bridge.name': name },
      })
      return new Bridge(name, net)
    }
    throw new Error(`no network of ${PREFIX}.0.0/16 is free`)
  }

  /** The address of this machine on the network. */
  get gateway(): string {
    return this.address(1)
  }

  /** 10 to 99 are the containers', 100 to 199 the UEs'. */
  address(host: number): string {
    return `${this.#net}.${host}`
  }

  /** Gives this machine more addresses on the network. They go with it. */
  async addHostAddresses(hosts: readonly number[]): Promise<void> {
    for (const host of hosts) {
      await run('ip', ['address', 'add', `${this.address(host)}/32`, 'dev', this.name], { timeoutMs: IP_MS_MAX })
    }
  }
}
