import type { Socket } from 'node:dgram'
import { type IsimState, newIsimState } from '@rollcall/aka'
import { type IpAddress, parseIp } from '@rollcall/esp'
import type { Endpoint } from '../addresses.ts'
import { authorization, type Granted, writeRegister } from './access-messages.ts'
import type { BenchUser } from './bench-user.ts'
import { answer401, SUITE } from './challenge.ts'
import type { ClientRequests } from './client-requests.ts'
import { SaPair } from './sa-pair.ts'

const PORT_US = 40_000
const PORT_UC = 50_000
const PORTS = 10_000
/** Ten digits (TS 33.203 annex H); each set of each UE has SPIs of its own. */
const SPI_FIRST = 1_000_000_000

/** Where a UE's packets go and come by. */
export interface AccessNet {
  readonly pcscf: Endpoint
  readonly pcscfAddress: IpAddress
  readonly requests: ClientRequests
  /** Puts a packet on the way to the P-CSCF's encapsulation port. */
  sendEsp(packet: Buffer, ue: AccessUe): void
  /** Packets with this SPI are the UE's. */
  listen(spi: number, ue: AccessUe, pair: SaPair): void
  forget(spi: number): void
  nextSpi(): number
}

/** A UE of the generator: what it must know to register, and to send and take messages in its SAs. */
export class AccessUe {
  readonly user: BenchUser
  readonly #net: AccessNet
  readonly #socket: Socket
  readonly #address: IpAddress
  readonly #portUs: number
  #isim: IsimState = newIsimState()
  #runs = 0
  #pair: SaPair | undefined
  #granted: Granted | undefined

  constructor(user: BenchUser, socket: Socket, net: AccessNet) {
    this.user = user
    this.#net = net
    this.#socket = socket
    this.#address = parseIp(user.address)
    this.#portUs = PORT_US + (user.number % PORTS)
  }

  get granted(): Granted {
    if (!this.#granted) throw new Error(`${this.user.impu} is not registered`)
    return this.#granted
  }

  /**
   * Registers from the start, as after it was switched on: REGISTER, 401, REGISTER in the new SAs, 200. `done` is told the
   * status that it came to, and `why` where an answer was wrong.
   */
  register(done: (status: number, why?: string) => void): void {
    this.#runs += 1
    const { requests, pcscf } = this.#net
    const port = this.#socket.address().port
    const spiC = this.#net.nextSpi()
    const spiS = this.#net.nextSpi()
    const portC = PORT_UC + (this.#runs % PORTS)
    const ue = { address: this.#address, spiC, spiS, portC, portS: this.#portUs }
    const suite = `alg=${SUITE.integrity};ealg=${SUITE.encryption};prot=esp;mod=UDP-enc-tun`
    const securityClient = `ipsec-3gpp;${suite};spi-c=${spiC};spi-s=${spiS};port-c=${portC};port-s=${this.#portUs}`
    const callId = `r${this.user.number}-${spiC}`
    const branch = requests.nextBranch()
    const first = writeRegister(this.user, {
      ...{ branch, callId, cseq: 1, port, securityClient },
      authorization: authorization(this.user),
    })
    const send = (): void => this.#socket.send(first, pcscf.port, pcscf.address)
    requests.start(branch, send, (status, response) => {
      if (status !== 401 || !response) return done(status)
      try {
        const { securityServer, ...answer } = answer401(this.user, this.#isim, response)
        this.#isim = answer.state
        const end = { ...answer.pcscf, address: this.#net.pcscfAddress }
        const pair = new SaPair({ ue, pcscf: end, keys: answer.keys })
        this.#net.listen(spiS, this, pair)
        const second = requests.nextBranch()
        const octets = writeRegister(this.user, {
          ...{ branch: second, callId, cseq: 2, port: this.#portUs, securityClient, securityVerify: securityServer },
          authorization: authorization(this.user, answer),
        })
        requests.start(
          second,
          () => this.#net.sendEsp(pair.seal(octets), this),
          (final, grant) => {
            if (final !== 200 || !grant) return done(final)
            done(200, this.#take(pair, securityServer, grant))
          },
        )
      } catch (error) {
        done(401, error instanceof Error ? error.message : String(error))
      }
    })
  }

  /** Sends octets in the SAs in force. */
  send(octets: Buffer): void {
    if (!this.#pair) throw new Error(`${this.user.impu} is not registered`)
    this.#net.sendEsp(this.#pair.seal(octets), this)
  }

  /** Takes the new SAs into use and says what is wrong with the grant. */
  #take(pair: SaPair, securityServer: string, grant: Buffer): string | undefined {
    const text = grant.toString('latin1')
    const serviceRoute = /^Service-Route: ([^\r]+)/m.exec(text)?.[1]
    const isAssociated = /^P-Associated-URI: ([^\r]+)/m.exec(text)?.[1]?.includes(`<${this.user.impu}>`)
    if (!serviceRoute || !isAssociated) return 'no Service-Route or P-Associated-URI'
    if (this.#pair) this.#net.forget(this.#pair.ue.spiS)
    this.#pair = pair
    const { address } = this.#net.pcscf
    const route = `<sip:${address}:${pair.pcscf.portS};lr>, ${serviceRoute}`
    this.#granted = { portUs: this.#portUs, securityServer, route }
    return undefined
  }
}

/** The SPIs of all UEs of a generator, one after the other. */
export function spiCounter(): () => number {
  let spi = SPI_FIRST
  return () => spi++
}
