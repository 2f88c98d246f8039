import { NAMESPACE_OCTETS_MAX } from './limits.ts'
import { XML, XMLNS } from './namespaces.ts'
import type { XmlSource } from './xml-source.ts'

/** A namespace declaration. The prefix is empty for the default namespace, the name for none. */
export interface NamespaceBinding {
  readonly prefix: string
  readonly uri: string
}

/** Not the index of a declaration: an unprefixed name where no default namespace is declared. */
export const NO_NAMESPACE = -1
/** Not the index of a declaration: the prefix `xml`, which everyone knows. */
export const XML_PREFIX = -2

const NONE: readonly NamespaceBinding[] = []
const UNBOUND: NamespaceBinding = { prefix: '', uri: '' }

/** The declarations in scope, innermost last; a name leans on one by its index. */
export class NamespaceScope {
  readonly #source: XmlSource
  readonly #max: number
  readonly #bindings: NamespaceBinding[] = []

  constructor(source: XmlSource, max: number) {
    this.#source = source
    this.#max = max
  }

  get size(): number {
    return this.#bindings.length
  }

  /** Takes a declaration as what it is (Namespaces in XML 1.0 section 3). */
  declare(prefix: string, uri: string, offset: number): void {
    const source: XmlSource = this.#source
    if (Buffer.byteLength(uri) > NAMESPACE_OCTETS_MAX) source.fail('XML_LIMIT', 'namespace name too long', offset)
    if (prefix === 'xmlns' || uri === XMLNS) source.fail('XML_NAMESPACE', 'xmlns cannot be declared', offset)
    if ((prefix === 'xml') !== (uri === XML)) source.fail('XML_NAMESPACE', 'xml has one namespace', offset)
    if (prefix !== '' && uri === '') source.fail('XML_NAMESPACE', 'a prefix without namespace', offset)
    if (this.size === this.#max) source.fail('XML_LIMIT', 'too many namespaces in scope', offset)
    this.#bindings.push({ prefix, uri })
  }

  /** Those that came behind the first `size`. */
  since(size: number): readonly NamespaceBinding[] {
    return this.#bindings.length === size ? NONE : this.#bindings.slice(size)
  }

  /** Leaves an element before which there were `size` declarations. */
  leave(size: number): void {
    // Most elements declare nothing, and setting a length costs even when it is the same.
    if (this.#bindings.length !== size) this.#bindings.length = size
  }

  /** The declaration that a name leans on, whose prefix with its colon lies from `nameStart` to `localStart`. */
  resolve(nameStart: number, localStart: number): number {
    const source: XmlSource = this.#source
    const length = localStart === nameStart ? 0 : localStart - nameStart - 1
    for (let i = this.#bindings.length - 1; i >= 0; i--) {
      const { prefix } = this.#bindings[i] as NamespaceBinding
      if (prefix.length === length && source.spells(nameStart, prefix)) return i
    }
    if (length === 0) return NO_NAMESPACE
    if (length === 3 && source.spells(nameStart, 'xml')) return XML_PREFIX
    return source.fail('XML_NAMESPACE', 'undeclared prefix', nameStart)
  }

  uriOf(binding: number): string {
    if (binding === XML_PREFIX) return XML
    return binding === NO_NAMESPACE ? '' : (this.#bindings[binding] as NamespaceBinding).uri
  }

  /** The declarations with these indices; that there is no default namespace counts as one, too. */
  named(indices: readonly number[]): NamespaceBinding[] {
    return indices.map((index) => this.#bindings[index] ?? UNBOUND)
  }
}
