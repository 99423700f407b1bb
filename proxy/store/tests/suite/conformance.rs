//! One suite for every backend. Each law has a tenant of its own, so that laws can share a database.

use store::{Settings, Store};

use crate::laws;

/// Makes a test of every law on SQLite, and a function that holds any other store to all of them.
macro_rules! hold_to {
    ($($module:ident { $($law:ident)* })*) => {
        $(mod $module {
            $(#[tokio::test]
            async fn $law() {
                let folder = tempfile::tempdir().unwrap();
                let store = super::sqlite(folder.path()).await;
                super::laws::$module::$law(&store).await;
                store.close().await;
            })*
        })*

        pub(crate) async fn hold_to_all_laws(store: &Store) {
            $($(laws::$module::$law(store).await;)*)*
        }
    };
}

hold_to! {
    responses {
        a_response_reads_back_whole
        a_response_is_stored_once
        a_chain_is_read_oldest_first
        a_long_chain_is_whole
        a_chain_without_its_beginning_is_not_found
        a_failed_turn_passes_on_only_finished_output
        a_deleted_response_is_gone_with_its_items
        tenants_never_see_each_other
        tenants_may_use_the_same_ids
        input_items_are_the_context_without_the_output
        input_items_leave_out_compaction
        pages_of_input_items_neither_skip_nor_repeat
        an_item_that_was_sent_twice_is_listed_once
        an_unknown_cursor_is_refused
        an_item_is_found_by_its_id
        an_expired_response_is_unknown_before_it_is_deleted
        expiry_deletes_at_most_a_batch
        text_with_a_null_character_does_no_harm
        many_items_keep_their_order
        one_refused_write_spoils_no_other
    }
    images {
        an_image_reads_back_and_a_chain_does_not_carry_it
        a_later_response_refers_to_the_image_of_an_earlier_one
        an_image_goes_with_its_response
        nobody_sees_the_images_of_another_tenant
        a_result_that_is_no_text_of_an_image_does_no_harm
        a_small_image_is_found_in_its_item
        an_item_of_very_many_images_reads_back
        expired_responses_go_with_many_images
    }
    approvals {
        a_request_reads_back_until_it_is_taken
        a_request_goes_with_its_response
        a_request_without_a_response_keeps_no_call
        of_two_who_take_a_request_one_gets_it
        requests_are_taken_all_or_none
        tenants_never_see_each_other
        an_old_request_is_unknown
        a_response_with_a_known_request_is_not_stored
    }
    completions {
        a_completion_reads_back_with_its_metadata
        a_list_is_filtered_by_model_and_metadata
        pages_with_ties_neither_skip_nor_repeat
        before_is_the_previous_page
        metadata_is_replaced
        a_deleted_completion_is_gone
        tenants_never_see_each_other
        messages_are_paged_in_order
        an_unknown_cursor_is_refused
        an_expired_completion_is_unknown
    }
}

pub(crate) async fn sqlite(folder: &std::path::Path) -> Store {
    Store::open(&Settings::sqlite(&folder.join("a #name?.db"))).await.unwrap()
}
