/** Connections to other replicas; the one opened first gives way. There are as many as replicas, and each pod's is new. */
const REPLICAS_MAX = 32

/** A client of one gRPC service for each replica that was asked, by its target. */
export class ReplicaClients<C extends { close(): void }> implements Disposable {
  readonly #create: (target: string) => C
  readonly #clients = new Map<string, C>()

  constructor(create: (target: string) => C) {
    this.#create = create
  }

  /** The client of `target`, opened when it is asked for first. */
  of(target: string): C {
    const known = this.#clients.get(target)
    if (known) return known
    const client = this.#create(target)
    this.#clients.set(target, client)
    for (const [oldest, other] of this.#clients) {
      if (this.#clients.size <= REPLICAS_MAX) break
      this.#clients.delete(oldest)
      other.close()
    }
    return client
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients.values()) client.close()
    this.#clients.clear()
  }
}
