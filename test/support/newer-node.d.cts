declare const nothing: Record<string, never>;
export = nothing;
