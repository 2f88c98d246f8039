import { UtClosedError } from './errors.ts'
import { closeConnection, isUsable, type UaConnection } from './ua-connection.ts'

/**
 * TLS connections to the NAF. One has one request at a time, since its nonce count must come in order; at the bound a request
 * waits in line until another one has ended.
 */
export class UaPool {
  readonly #connectionsMax: number
  readonly #open: () => Promise<UaConnection>
  readonly #idle: UaConnection[] = []
  readonly #busy = new Set<UaConnection>()
  readonly #waiting: (() => void)[] = []
  #running = 0
  #isClosed = false

  constructor(connectionsMax: number, open: () => Promise<UaConnection>) {
    this.#connectionsMax = connectionsMax
    this.#open = open
  }

  /**
   * Runs `work` with a connection that nobody else has meanwhile. `isReused`: it has carried a request before.
   *
   * @throws UtClosedError, what `open` throws, and what `work` throws.
   */
  async use<T>(work: (connection: UaConnection, isReused: boolean) => Promise<T>): Promise<T> {
    await this.#turn()
    try {
      const idle = this.#takeIdle()
      const connection = idle ?? (await this.#open())
      this.#busy.add(connection)
      try {
        if (this.#isClosed) throw new UtClosedError()
        return await work(connection, idle !== undefined)
      } finally {
        this.#giveBack(connection)
      }
    } finally {
      this.#running -= 1
      this.#waiting.shift()?.()
    }
  }

  /** Ends every connection; what waits in line is told. */
  close(): void {
    this.#isClosed = true
    for (const connection of [...this.#idle.splice(0), ...this.#busy]) closeConnection(connection)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  async #turn(): Promise<void> {
    while (this.#running >= this.#connectionsMax && !this.#isClosed) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    if (this.#isClosed) throw new UtClosedError()
    this.#running += 1
  }

  #takeIdle(): UaConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined || isUsable(connection)) return connection
      closeConnection(connection)
    }
  }

  #giveBack(connection: UaConnection): void {
    this.#busy.delete(connection)
    if (!this.#isClosed && isUsable(connection)) this.#idle.push(connection)
    else closeConnection(connection)
  }
}
