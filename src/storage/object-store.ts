/**
 * The object-store port: keys below one root, whole objects, one conditional write. Local disk and S3 implement it;
 * test/contract/object-store.ts is the suite that each passes.
 *
 * Keys are `/`-separated and relative to the root; `..`, `.`, absolute keys, NUL and empty segments are refused by every store.
 * A folder is a key's leading segments (`''` is the root, a trailing slash is optional); it exists while it holds objects.
 */
export interface ObjectInfo {
  readonly key: string
  readonly size: number
  /** As exact as the store knows it: S3 to the second. */
  readonly modifiedAt: Date
  /** Another text for other bytes; the same object has the same one in every answer. */
  readonly etag: string
}

export interface ListOptions {
  readonly startAfter?: string
  /**
   * For whoever removes what is not needed: without anything that a symbolic link leads to (it has another name), and with the temporary
   * files that a killed process left.
   */
  readonly forRemoval?: boolean
}

export interface ObjectStore extends AsyncDisposable {
  /** `file:///…` or `s3://…`, without a trailing slash. */
  readonly url: string
  /**
   * Objects below the folder in key order (UTF-8 bytes), at any depth; hidden ones too, a store's own temporary files not.
   * `startAfter` is a key, or any text that sorts like one: only later keys come. A missing folder is empty.
   */
  list(folder: string, options?: ListOptions): AsyncIterable<ObjectInfo>
  /** Names one level below the folder that hold objects, in byte order. */
  folders(folder: string): AsyncIterable<string>
  head(key: string): Promise<ObjectInfo | undefined>
  /** The object, or at most `length` bytes from `offset` (none past its end); undefined when there is no object. */
  read(key: string, range?: { readonly offset: number; readonly length: number }): Promise<Uint8Array | undefined>
  /**
   * THE commit primitive: of any number of racing writers exactly one gets `written`. Durable when it returns.
   * When it throws, the object may or may not be there: read it again before you conclude anything.
   */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<'written' | 'exists'>
  /** Replaces atomically: readers see the old bytes or the new ones. */
  put(key: string, bytes: Uint8Array): Promise<void>
  /**
   * Moves or copies a finished local file to a key that nothing uses (else `object-exists`); whole or not at all, durable when
   * it returns. The file may be gone afterwards.
   */
  upload(key: string, localFile: string): Promise<ObjectInfo>
  /** Missing ones are no error. `emptied`: folders that this leaves empty go too, where a folder is a thing of its own. */
  delete(keys: readonly string[], options?: { readonly emptied?: boolean }): Promise<void>
  /** Where an engine can read the object in place; null when it must be fetched first. */
  localPath(key: string): string | null
}
