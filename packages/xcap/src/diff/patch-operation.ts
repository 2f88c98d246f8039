import { declarationText, escapeAttribute, escapeText, type NamespaceBinding } from '@rollcall/xml'

/** Nodes that a patch puts in, as text, with what is declared around them: their prefixes need it. */
export interface PatchContent {
  readonly xml: string
  readonly declarations: readonly NamespaceBinding[]
}

/** White space beside an element that is taken away with it. */
export type WhiteSpace = 'before' | 'after' | 'both'

/**
 * One step from a version of a document to the next; each is for what the ones before left. `sel` names an element from the
 * root down, by position only, so that it means the same under any namespace declarations.
 *
 * @see RFC 5261 section 4
 */
export type PatchOperation =
  | {
      readonly kind: 'add'
      readonly sel: string
      readonly pos: 'append' | 'prepend' | 'before' | 'after'
      readonly content: PatchContent
    }
  | { readonly kind: 'replace'; readonly sel: string; readonly content: PatchContent }
  | { readonly kind: 'remove'; readonly sel: string; readonly ws?: WhiteSpace }
  /** Of no namespace, as are those of the two below. */
  | { readonly kind: 'add-attribute'; readonly sel: string; readonly name: string; readonly value: string }
  | { readonly kind: 'replace-attribute'; readonly sel: string; readonly name: string; readonly value: string }
  | { readonly kind: 'remove-attribute'; readonly sel: string; readonly name: string }

/** The element of an operation; `prefix` is bound to the namespace of its format, and to nothing else in what is put in. */
export function operationText(operation: PatchOperation, prefix: string): string {
  const { kind, sel } = operation
  const open = (name: string, selector: string): string => `<${prefix}:${name} sel="${escapeAttribute(selector)}"`
  switch (kind) {
    case 'add': {
      const pos = operation.pos === 'append' ? '' : ` pos="${operation.pos}"`
      return `${open('add', sel)}${pos}${declared(operation.content)}>${operation.content.xml}</${prefix}:add>`
    }
    case 'replace':
      return `${open('replace', sel)}${declared(operation.content)}>${operation.content.xml}</${prefix}:replace>`
    case 'remove':
      return `${open('remove', sel)}${operation.ws === undefined ? '' : ` ws="${operation.ws}"`}/>`
    case 'add-attribute':
      return `${open('add', sel)} type="@${operation.name}">${escapeText(operation.value)}</${prefix}:add>`
    case 'replace-attribute':
      return `${open('replace', `${sel}/@${operation.name}`)}>${escapeText(operation.value)}</${prefix}:replace>`
    case 'remove-attribute':
      return `${open('remove', `${sel}/@${operation.name}`)}/>`
  }
}

/** What is declared around, as attributes. */
export function declared({ declarations }: PatchContent): string {
  return declarations.map(declarationText).join('')
}
