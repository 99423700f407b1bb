//! Items of server calls that come back as history.

use crate::error::ApiError;
use crate::read::Fields;
use crate::responses::item::{
    Compaction, FileSearchCall, ImageGenerationCall, McpApprovalRequest, McpApprovalResponse, McpCall,
    McpListTools, WebSearchCall,
};
use crate::responses::request::input::{BLOB_LIMIT, status};

pub(super) fn file_search_call(id: String, mut fields: Fields<'_>) -> Result<FileSearchCall, ApiError> {
    let status = status(&mut fields)?;
    let queries = fields.strings("queries")?.unwrap_or_default();
    let results = fields.array("results")?;
    Ok(FileSearchCall { id, status, queries, results, rest: fields.rest(), ..FileSearchCall::default() })
}

pub(super) fn web_search_call(id: String, mut fields: Fields<'_>) -> Result<WebSearchCall, ApiError> {
    let status = status(&mut fields)?;
    let action = fields.object("action")?.unwrap_or_default();
    Ok(WebSearchCall { id, status, action, rest: fields.rest(), ..WebSearchCall::default() })
}

pub(super) fn image_generation_call(
    id: String,
    mut fields: Fields<'_>,
) -> Result<ImageGenerationCall, ApiError> {
    let status = status(&mut fields)?;
    let result = fields.string("result")?;
    Ok(ImageGenerationCall { id, status, result, rest: fields.rest(), ..ImageGenerationCall::default() })
}

pub(super) fn mcp_list_tools(id: String, mut fields: Fields<'_>) -> Result<McpListTools, ApiError> {
    let server_label = fields.required_string("server_label")?;
    let tools = fields.array("tools")?.unwrap_or_default();
    let error = fields.value("error");
    Ok(McpListTools { id, server_label, tools, error, rest: fields.rest(), ..McpListTools::default() })
}

pub(super) fn mcp_call(id: String, mut fields: Fields<'_>) -> Result<McpCall, ApiError> {
    let server_label = fields.required_string("server_label")?;
    let name = fields.required_string("name")?;
    let arguments = fields.required_string("arguments")?;
    let (output, error) = (fields.string("output")?, fields.value("error"));
    let approval_request_id = fields.string("approval_request_id")?;
    let status = status(&mut fields)?;
    let call = McpCall { id, status, approval_request_id, arguments, error, ..McpCall::default() };
    Ok(McpCall { name, output, server_label, rest: fields.rest(), ..call })
}

pub(super) fn mcp_approval_request(
    id: String,
    mut fields: Fields<'_>,
) -> Result<McpApprovalRequest, ApiError> {
    let server_label = fields.required_string("server_label")?;
    let name = fields.required_string("name")?;
    let arguments = fields.required_string("arguments")?;
    let rest = fields.rest();
    Ok(McpApprovalRequest { id, arguments, name, server_label, rest, ..McpApprovalRequest::default() })
}

pub(super) fn mcp_approval_response(
    id: String,
    mut fields: Fields<'_>,
) -> Result<McpApprovalResponse, ApiError> {
    let approval_request_id = fields.required_string("approval_request_id")?;
    let approve = fields.boolean("approve")?.ok_or_else(|| fields.missing("approve"))?;
    let (reason, rest) = (fields.string("reason")?, fields.rest());
    Ok(McpApprovalResponse {
        id,
        approval_request_id,
        approve,
        reason,
        rest,
        ..McpApprovalResponse::default()
    })
}

pub(super) fn compaction(id: String, mut fields: Fields<'_>) -> Result<Compaction, ApiError> {
    let sealed = fields.bounded_string("encrypted_content", BLOB_LIMIT)?;
    let encrypted_content = sealed.ok_or_else(|| fields.missing("encrypted_content"))?;
    Ok(Compaction { id, encrypted_content, rest: fields.rest(), ..Compaction::default() })
}
