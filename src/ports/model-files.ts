/** Fitted models as files, named by the hash of their bytes and written once. */
export interface ModelFiles {
  /** Resolves to the SHA-256 of the text once it is durable. Writing it again changes nothing. */
  write(text: string): Promise<string>;
  /** @throws PipelineError `model_corrupt` when the file is missing or its bytes do not have that hash (F90, I33). */
  read(sha256: string): Promise<string>;
}
